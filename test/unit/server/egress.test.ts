import { describe, expect, test } from "vitest";
import { checkReceiverUrl, isAllowedAddress } from "../../../server/alerts/egress.ts";
import { InputError } from "../../../src/core/errors.ts";

const PRIVATE = [
  ...["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"],
  ...["198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fd00::1", "fe80::1", "::ffff:127.0.0.1"],
  ...["::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
];

describe("addresses a webhook may go to", () => {
  test.each(PRIVATE)("%s is refused", (address) => {
    expect(isAllowedAddress(address, { loopback: false })).toBe(false);
  });

  test.each(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])("%s is allowed", (address) => {
    expect(isAllowedAddress(address, { loopback: false })).toBe(true);
  });

  test("with loopback allowed, this machine is, and nothing else that is private", () => {
    const allowed = PRIVATE.filter((address) => isAllowedAddress(address, { loopback: true }));
    expect(allowed).toEqual(["127.0.0.1", "::1"]);
  });
});

describe("a receiver's URL", () => {
  test.each([
    ...["http://127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://2130706433/"],
    ...["https://①②⑦.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://user@example.com/"],
    ...["file:///etc/passwd", "gopher://example.com/", "http://example.com/", "https://example.com:8443/", "no url"],
  ])("%s is refused", (url) => {
    expect(() => checkReceiverUrl(url, { loopback: false })).toThrow(InputError);
  });

  test("https on a public host is taken", () => {
    expect(checkReceiverUrl("https://hooks.example.com/a?b=c", { loopback: false }).hostname).toBe("hooks.example.com");
  });

  test("http on this machine is taken with loopback allowed", () => {
    expect(checkReceiverUrl("http://127.0.0.1:9999/hook", { loopback: true }).port).toBe("9999");
  });
});
