import { expect, test } from "vitest";
import { reachedAt } from "../../../bin/supervisor/status.ts";

test.each([
  ["127.0.0.1", "http://127.0.0.1:4000"],
  ["0.0.0.0", "http://127.0.0.1:4000"],
  ["::", "http://127.0.0.1:4000"],
  ["::1", "http://[::1]:4000"],
  ["10.1.2.3", "http://10.1.2.3:4000"],
])("a server that listens at %s is asked at %s", (host, url) => {
  expect(reachedAt(host, 4000)).toBe(url);
});
