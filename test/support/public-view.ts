import type { ServerProcess } from "./server.ts";

/** How many proofs of each kind are compared; every kind of leaf has thousands. */
const PROOFS = 12;
const PAGE = 1_000;

type Entry = Record<string, unknown> & { kind: string; refId: string };

const QUESTIONS = [
  "{ verdicts(limit: 1000) { id assessmentId subject ruleId profile outcome missing lane jurisdiction blockNumber } }",
  "{ breaches(limit: 1000) { id subject ruleId openedAtBlock curedAtBlock status lane } }",
  '{ verdicts(where: { outcome: { eq: "breach" } }) { id } }',
  '{ verdicts(where: { OR: [{ profile: { like: "EU%" } }, { jurisdiction: { eq: "JP" } }] }) { id } }',
  '{ breaches(where: { ruleId: { like: "EU%" } }) { id } }',
  "{ verdicts(orderBy: { outcome: { direction: asc, priority: 2 }, id: { direction: asc, priority: 1 } }, limit: 5) { id } }",
  "{ assessments(limit: 200) { items { id condition verdicts { id outcome } proof { leafHash } } totalCount } }",
  '{ assessments(where: { ruleId: "EU-CFD-CLOSEOUT-50" }, limit: 100) { items { id verdicts { outcome } } } }',
  "{ positions(limit: 200) { items { id equity marginRatio current { equity } } } }",
  "{ counterparties(limit: 100) { items { id grossExposure netExposure } } }",
  "{ epochs(limit: 100) { chain number stateRoot assessmentRoot stateCount assessmentCount } }",
  "{ verdicts(limit: 5000) { id } }",
  "{ verdicts(where: { nothing: { eq: 1 } }) { id } }",
  "{ breaches { facts } }",
];

/**
 * All that anybody may ask of a server, by question, without what is a hash over blinded commitments, and without
 * evidence, which comes when the node has given it.
 */
export async function publicView(server: ServerProcess): Promise<Record<string, unknown>> {
  const view: Record<string, unknown> = {};
  for (const question of QUESTIONS) view[question] = await server.ask(question);
  for (const path of ["/", "/v1/nothing", `/v1/proofs/${"0".repeat(64)}`]) {
    const answer = await fetch(`${server.url}${path}`);
    view[path] = [answer.status, await answer.text()];
  }
  const { ledger: _, assurance: __, ...health } = (await server.health()) ?? { ledger: null, assurance: null };
  view["/v1/health"] = health;
  for (const kind of ["assessment", "verdict"]) {
    const rules = ["EU-CFD-CLOSEOUT-50", "AU-CFD-CLOSEOUT-50", "JP-CRYPTO-LEV-IND", "UK-CRYPTO-DERIV-BAN"];
    for (const ruleId of rules) {
      const where = `{ kind: { eq: "${kind}" }, ruleId: { eq: "${ruleId}" }, chain: { eq: "eip155:901" } }`;
      const { data } = await server.ask(`{ ledgerEntries(limit: ${PROOFS}, where: ${where}) { refId } }`);
      for (const { refId } of data.ledgerEntries as Entry[]) {
        const answer = await fetch(`${server.url}/v1/proofs/${refId}?level=attested`);
        view[`proof of ${refId}`] = [answer.status, withoutCommitments(await answer.text())];
      }
    }
  }
  for (const chain of ["eip155:901", "eip155:902"]) view[`entries of ${chain}`] = await entriesOf(server, chain);
  return view;
}

/** The entries of one chain in order, without what is, or depends on, a hash over commitments of the whole log. */
async function entriesOf(server: ServerProcess, chain: string): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const fields = "kind refId leafHash chain blockNumber blockHash subject ruleId outcome";
    const query = `{ ledgerEntries(limit: ${PAGE}, offset: ${offset}, where: { chain: { eq: "${chain}" } }) { ${fields} } }`;
    const page = (await server.ask(query)).data.ledgerEntries as Entry[];
    all.push(...page.map(withoutHash));
    if (page.length < PAGE) return all;
  }
}

function withoutHash({ leafHash, ...entry }: Entry): Entry {
  return entry.kind === "verdict" ? entry : { ...entry, leafHash };
}

/** Entries of the log as the stream tells them, by chain: chains interleave freely, and facts are commitments. */
export async function readStream(server: ServerProcess): Promise<Entry[]> {
  const size = (await server.health())?.ledger.size ?? 0;
  const stopping = new AbortController();
  const response = await fetch(`${server.url}/v1/stream?after=-1`, { signal: stopping.signal });
  const entries: Entry[] = [];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const events = rest.split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1];
      if (data?.startsWith("{")) entries.push(JSON.parse(data) as Entry);
    }
    if (entries.length >= size) break;
  }
  stopping.abort();
  const own = entries
    .filter(({ kind }) => kind !== "fact")
    .map(({ index: _, assurance: __, ...entry }) => withoutHash(entry as Entry));
  return own.sort((a, b) => (String(a.chain) < String(b.chain) ? -1 : String(a.chain) > String(b.chain) ? 1 : 0));
}

/** Cuts from a bundle what depends on blinded leaves: commitment, proofs, indexes and checkpoint. */
function withoutCommitments(text: string): unknown {
  const bundle = JSON.parse(text);
  if (bundle.assessment === undefined) return bundle;
  delete bundle.checkpoint;
  for (const part of [bundle.assessment, bundle.verdict]) {
    if (part === null) continue;
    delete part.proof;
    delete part.index;
  }
  if (bundle.verdict !== null) delete bundle.verdict.body.commitment;
  return bundle;
}
