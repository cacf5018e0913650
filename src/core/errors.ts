/**
 * The three ways work can fail, named after who can act on it. Tests assert the class, never the message.
 */

/** The caller handed in something wrong: a file, a request, a setting. The message names the value and what was expected. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A node, database or receiver did not do what its interface promises. Trying again later can help. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
}

/** Something that cannot be, if the code is right. The process stops and keeps the evidence. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
