const EXAMPLE = `{
  positions(limit: 5) {
    items { id side size equity marginRatio current { equity marginRatio asOf } }
  }
  breaches(limit: 5) { id subject ruleId openedAtBlock curedAtBlock status }
  ledgerEntries(limit: 5) { index kind refId ruleId outcome assurance }
}`;

const FIELDS = `{ __schema { queryType { fields { name args { name } type { ...named } } }
  types { name kind fields { name type { ...named } } } } }
  fragment named on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }`;

const element = (id) => document.querySelector(`#${id}`);

async function ask(query, variables) {
  const key = element("key").value.trim();
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return await response.json();
}

async function run() {
  try {
    const variables = JSON.parse(element("variables").value || "{}");
    element("answer").textContent = JSON.stringify(await ask(element("query").value, variables), null, 2);
  } catch (error) {
    element("answer").textContent = String(error);
  }
}

function typeText(type) {
  if (type.kind === "NON_NULL") return `${typeText(type.ofType)}!`;
  if (type.kind === "LIST") return `[${typeText(type.ofType)}]`;
  return type.name;
}

async function showSchema() {
  const { data, errors } = await ask(FIELDS, {});
  if (!data) {
    element("answer").textContent = JSON.stringify(errors, null, 2);
    return;
  }
  const { queryType, types } = data.__schema;
  const lists = queryType.fields.map(
    (f) => `${f.name}${f.args.length ? `(${f.args.map((a) => a.name).join(", ")})` : ""}: ${typeText(f.type)}`,
  );
  const objects = types
    .filter((t) => t.kind === "OBJECT" && !t.name.startsWith("__") && t.name !== "Query")
    .map((t) => `${t.name} {\n${t.fields.map((f) => `  ${f.name}: ${typeText(f.type)}`).join("\n")}\n}`);
  element("answer").textContent = [...lists, "", ...objects].join("\n");
}

element("query").value = EXAMPLE;
element("run").addEventListener("click", run);
element("schema").addEventListener("click", showSchema);
element("query").addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") run();
});
