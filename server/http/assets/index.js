const EVERY_MS = 2000;

function row(cells) {
  const tr = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    td.textContent = cell ?? "–";
    tr.append(td);
  }
  return tr;
}

async function ask(query) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data;
}

async function refresh() {
  const health = await (await fetch("/v1/health")).json();
  document.querySelector("#summary").textContent =
    `Status ${health.status}; the indexer is ${health.indexer}; ${health.ledger.size} entries in the log. ${health.note}`;
  const chains = health.chains.map((c) => row([c.chain, c.state, c.indexerHead, c.followed, c.finalized, c.sealed]));
  document.querySelector("#chains").replaceChildren(...chains);
  const data = await ask(`{ ledgerEntries(limit: 20, orderBy: { index: { direction: desc, priority: 1 } }) {
    index kind chain blockNumber ruleId outcome assurance } }`);
  const entries = (data?.ledgerEntries ?? []).map((e) =>
    row([e.index, e.kind, e.chain, e.blockNumber, e.ruleId, e.outcome, e.assurance]),
  );
  document.querySelector("#entries").replaceChildren(...entries);
}

async function loop() {
  try {
    await refresh();
  } catch {
    document.querySelector("#summary").textContent = "The server does not answer; trying again.";
  }
  setTimeout(loop, EVERY_MS);
}

loop();
