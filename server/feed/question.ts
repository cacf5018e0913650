/** Codes of a connection that the other side closed while, or before, the question went over it. */
const CLOSED = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/**
 * `fetch` for questions that change nothing: asked once more when the other side closed the connection. A kept
 * connection may be closed in the moment in which it is used again, the more so by a busy process.
 * @throws as `fetch` does.
 * @see RFC 9112 section 9.3.1 (retrying requests)
 */
export async function question(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    if (code === undefined || !CLOSED.has(code)) throw error;
    return fetch(url, init);
  }
}
