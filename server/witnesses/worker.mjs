// A thread of its own does not have its parent's way of reading TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
