/** Ponder wants an app here; the benchmark reads the tables. */
import { Hono } from "hono";

export default new Hono();
