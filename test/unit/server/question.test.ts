import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { question } from "../../../server/feed/question.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A server that closes the connection of its first `cuts` requests, and answers the others with their body. */
async function cutting(cuts: number): Promise<{ url: string; asked(): number }> {
  let asked = 0;
  const url = await serving((request, response) => {
    asked++;
    if (asked <= cuts) return void request.socket.destroy();
    request.pipe(response);
  });
  return { url, asked: () => asked };
}

describe("a question", () => {
  it("is asked again, body and all, when the other side closed the connection", async () => {
    const { url, asked } = await cutting(1);
    const answer = await question(url, { method: "POST", body: "all of it" });
    expect(await answer.text()).toBe("all of it");
    expect(asked()).toBe(2);
  });

  it("is asked no third time", async () => {
    const { url, asked } = await cutting(2);
    await expect(question(url)).rejects.toThrow("fetch failed");
    expect(asked()).toBe(2);
  });

  it("is asked once where nothing listens, and where time ran out", async () => {
    await expect(question("http://127.0.0.1:1/")).rejects.toThrow();
    let asked = 0;
    const time = new AbortController();
    const silent = await serving(() => {
      asked++;
      time.abort(new DOMException("It took too long.", "TimeoutError"));
    });
    await expect(question(silent, { signal: time.signal })).rejects.toMatchObject({ name: "TimeoutError" });
    expect(asked).toBe(1);
  });

  it("is asked once where the answer is a refusal", async () => {
    let asked = 0;
    const url = await serving((_, response) => {
      asked++;
      response.writeHead(503).end();
    });
    expect((await question(url)).status).toBe(503);
    expect(asked).toBe(1);
  });
});
