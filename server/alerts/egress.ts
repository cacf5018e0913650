/**
 * Where a webhook may go. The address that is checked is the address that is connected to: the check sits in the
 * connection's own lookup, so a name that resolves differently a moment later gains nothing.
 */
import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent } from "undici";
import { InputError } from "../../src/core/errors.ts";

/** `loopback: true` also admits this machine's own addresses, for demos and tests. */
export type EgressPolicy = { loopback: boolean };

/** Whether an IP address may be connected to: public unicast only, plus loopback where the operator says so. */
export function isAllowedAddress(address: string, policy: EgressPolicy): boolean {
  if (!ipaddr.isValid(address)) return false;
  const range = ipaddr.parse(address).range();
  return range === "unicast" || (policy.loopback && range === "loopback");
}

/**
 * Checks a receiver's URL before anything is sent to it.
 * @throws InputError when it is not an https URL of a public host (http and any port only with loopback allowed).
 */
export function checkReceiverUrl(text: string, policy: EgressPolicy): URL {
  if (!URL.canParse(text)) throw new InputError(`"${text}" is not a URL a webhook can be sent to.`);
  const url = new URL(text);
  const shown = `${url.protocol}//${url.host}`;
  if (url.username !== "" || url.password !== "") {
    throw new InputError(`The webhook URL of ${url.host} must not carry a user name or password.`);
  }
  if (url.protocol !== "https:" && !(policy.loopback && url.protocol === "http:")) {
    throw new InputError(`The webhook URL ${shown} must begin with https:// (http:// only with --allow-loopback).`);
  }
  if (!policy.loopback && url.port !== "") {
    throw new InputError(
      `The webhook URL ${shown} names port ${url.port}; only 443 is allowed without --allow-loopback.`,
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // A literal address never reaches the connection's lookup.
  if (ipaddr.isValid(host) && !isAllowedAddress(host, policy)) {
    throw new InputError(`The webhook URL ${shown} is not a public address; loopback needs --allow-loopback.`);
  }
  return url;
}

/** A connection pool that connects to allowed addresses only. Close it when done. */
export function createEgressAgent(policy: EgressPolicy, timeoutMs = 15_000): Agent {
  return new Agent({
    connect: { lookup: guardedLookup(policy), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connections: 8,
  });
}

function guardedLookup(policy: EgressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = found as unknown as LookupAddress[];
      if (error) return callback(error, "", 0);
      const first = addresses[0];
      // One forbidden address among several refuses the name: which of them gets connected is not ours to choose.
      if (first === undefined || !addresses.every(({ address }) => isAllowedAddress(address, policy))) {
        return callback(new InputError(`"${hostname}" resolves to an address webhooks are not sent to.`), "", 0);
      }
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}
