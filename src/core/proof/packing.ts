/**
 * Bytes in fewer bytes: what has come before is not said again. Contract code shrinks to three fifths. There is one
 * packed form for every byte string, and packing takes time in proportion to its length.
 *
 * Packed are runs, one after another. A first byte n below 128: the n + 1 bytes that follow, as they are. Otherwise:
 * n − 124 bytes (4 to 131) that stand earlier, as far back as the two bytes that follow say, big-endian, and one more.
 */
import { InputError } from "../errors.ts";

const LEAST = 4;
const MOST = 131;
const FARTHEST = 65_536;
const PLAIN = 128;

/**
 * Packs bytes. Every place is noted under a 16-bit hash of the four bytes that begin there: what is packed refers to the
 * place noted last under the same hash, if it is near enough and four bytes or more agree.
 */
export function packBytes(bytes: Uint8Array): Uint8Array {
  // A reference is shorter than what it stands for by the byte that a run after it begins with.
  const packed = new Uint8Array(bytes.length + Math.ceil(bytes.length / PLAIN) + 1);
  const noted = new Int32Array(65_536).fill(-1);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [length, at, said] = [0, 0, 0];
  const say = () => {
    for (let end = said; said < at; said = end) {
      end = Math.min(said + PLAIN, at);
      packed[length++] = end - said - 1;
      packed.set(bytes.subarray(said, end), length);
      length += end - said;
    }
  };
  while (at < bytes.length) {
    const earlier = at + LEAST <= bytes.length ? (noted[hashAt(words, at)] as number) : -1;
    const agreed = earlier < 0 || at - earlier > FARTHEST ? 0 : agreeing(bytes, { at, earlier });
    const end = at + (agreed < LEAST ? 1 : agreed);
    if (agreed >= LEAST) {
      say();
      const back = at - earlier - 1;
      packed.set([PLAIN + agreed - LEAST, back >> 8, back & 0xff], length);
      length += 3;
      said = end;
    }
    for (; at < end; at++) if (at + LEAST <= bytes.length) noted[hashAt(words, at)] = at;
  }
  say();
  return packed.slice(0, length);
}

/** The bytes of a packed form. @throws InputError when it is none, or they are more than `most`. */
export function unpackBytes(packed: Uint8Array, most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  let [length, i] = [0, 0];
  while (i < packed.length) {
    const first = packed[i++] as number;
    const count = first < PLAIN ? first + 1 : first - PLAIN + LEAST;
    const isThere = i + (first < PLAIN ? count : 2) <= packed.length;
    if (!isThere || length + count > most) throw new InputError(`Packed bytes are cut off, or more than ${most}.`);
    if (first < PLAIN) {
      bytes.set(packed.subarray(i, i + count), length);
      i += count;
    } else {
      const from = length - 1 - (((packed[i] as number) << 8) | (packed[i + 1] as number));
      if (from < 0) throw new InputError("Packed bytes refer to what is before their beginning.");
      // One by one, because what is referred to may reach into what is being written.
      for (let k = 0; k < count; k++) bytes[length + k] = bytes[from + k] as number;
      i += 2;
    }
    length += count;
  }
  return bytes.slice(0, length);
}

/** The upper half of the four bytes, big-endian, times 2654435761 modulo 2³². */
function hashAt(words: DataView, at: number): number {
  return Math.imul(words.getInt32(at), 2_654_435_761) >>> 16;
}

function agreeing(bytes: Uint8Array, { at, earlier }: { at: number; earlier: number }): number {
  const most = Math.min(MOST, bytes.length - at);
  let length = 0;
  while (length < most && bytes[earlier + length] === bytes[at + length]) length++;
  return length;
}
