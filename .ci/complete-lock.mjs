/**
 * Completes package-lock.json after a dependency has changed: `node .ci/complete-lock.mjs`.
 *
 * A registry mirror that carries only one platform's binaries makes npm leave the other platforms' optional packages
 * out of the lock. npm 10 does not mind; npm 11 then refuses `npm ci`. Their exact versions stand in the package that
 * asks for them, so the missing entries can be written down without asking anybody. They carry no integrity: only a
 * machine of that platform fetches them, from its own registry.
 */
import { readFileSync, writeFileSync } from "node:fs";

const LOCK = new URL("../package-lock.json", import.meta.url);
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const CPUS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];
const ALIASES = { amd64: "x64", windows: "win32" };

/** The `os`, `cpu` and `libc` a platform package declares, read from its name. */
function platformOf(name) {
  const words = name
    .split("/")
    .at(-1)
    .split("-")
    .map((word) => ALIASES[word] ?? word);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => CPUS.includes(word));
  const libc = words.some((word) => word.startsWith("musl")) ? "musl" : null;
  return { ...(cpu ? { cpu: [cpu] } : {}), ...(libc ? { libc: [libc] } : {}), ...(os ? { os: [os] } : {}) };
}

/** Whether Node's resolution finds `name` from the package at `path`. */
function isLocked(packages, { path, name }) {
  for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf("/node_modules/"), 0))) {
    if (packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`]) return true;
    if (at === "") return false;
  }
}

const lock = JSON.parse(readFileSync(LOCK, "utf8"));
const added = {};
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(lock.packages, { path, name })) continue;
    if (!/^\d/.test(version))
      throw new Error(`${path} asks for ${name} ${version}: only an exact version can be filled in.`);
    const taken = added[`node_modules/${name}`];
    const place = `${taken && taken.version !== version ? `${path}/` : ""}node_modules/${name}`;
    added[place] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platformOf(name) };
  }
}
const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(sorted);
writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${Object.keys(added).length} optional packages added to package-lock.json.`);
