/** What derived inputs are compared with: the fold's own, for every account, position and asset of a session. */

import type { Kit } from "../../devnet/kit.ts";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { assetId, caip2, caip10, type Hex, marketId, positionId, protocolId } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment, MarginModel } from "../../src/core/margin-model.ts";
import { type AccountMetric, accountInputs, positionInputs } from "../../src/core/metrics/figures.ts";
import type { InputsOf, MetricOf } from "../../src/core/metrics/inputs.ts";
import { custodyInputs } from "../../src/core/metrics/subject-inputs.ts";
import { type Ask, isCall } from "../../src/core/proof/ask.ts";
import { derive, type Grounds, type Provable } from "../../src/core/proof/derive.ts";
import { parametersOf } from "../../src/core/rules/parameters.ts";
import type { Rule } from "../../src/core/rules/rule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";

const { rules } = readRulebooks("rulebooks");

/** An assessment's question with what the fold answers. */
export type Question = { about: Provable; rule: Rule | null; expected: InputsOf };

const ACCOUNT: readonly AccountMetric[] = ["ACC.MARGIN_RATIO", "ACC.NET_EQUITY", "ACC.LEVERAGE", "ACC.GROSS_NOTIONAL"];
const POSITION: readonly MetricOf<"POS">[] = [
  ...(["POS.MARGIN_RATIO", "POS.MARGIN_SHORTFALL", "POS.LEVERAGE_EFFECTIVE", "POS.EQUITY_RATE"] as const),
];

function ruleCalled(id: string): Rule {
  const rule = rules.find((one) => one.id === id);
  if (rule === undefined) throw new InvariantError(`There is no rule ${id}.`);
  return rule;
}

type Scene = { chain: ChainDeployment; protocol: string; model: MarginModel; now: bigint };

/** All that can be asked about an account and its positions. */
export function questionsOf(address: Hex, { chain, protocol, model, now }: Scene): Question[] {
  const { chainId } = chain;
  const figures = model.account(address, now);
  const marketOf = (key: string) => model.market(key, now);
  const account = caip10(chainId, address);
  const about = aboutIn({ chain, protocol, now });
  const closeOut = ruleCalled("EU-CFD-CLOSEOUT-50");
  const { rates } = parametersOf(closeOut, "ACC.CLOSEOUT_RATIO");
  const questions: Question[] = ACCOUNT.map((metric) => ({
    about: { ...about, subject: account, account, metric },
    rule: null,
    expected: accountInputs(metric, { account: figures, marketOf }),
  }));
  questions.push({
    about: { ...about, subject: account, account, metric: "ACC.CLOSEOUT_RATIO" },
    rule: closeOut,
    expected: accountInputs("ACC.CLOSEOUT_RATIO", { account: figures, marketOf, rates }),
  });
  for (const group of figures.groups) {
    for (const position of group.positions) {
      const subject = positionId(marketId(chainId, protocol, position.market), address, 1);
      for (const metric of POSITION) {
        const expected = positionInputs(metric, { group, position, market: marketOf(position.market) });
        questions.push({ about: { ...about, subject, account, metric }, rule: null, expected });
      }
    }
  }
  return questions;
}

/** The custody of every asset whose creditors are named. */
export function custodyQuestions({ chain, protocol, model, now }: Scene): Question[] {
  const config = chain.protocols.find((p) => p.protocol === protocol);
  const assets = config === undefined ? [] : [config.settlement, ...(config.collateral ?? [])];
  return assets.flatMap(({ address }) => {
    const { custody } = model.custody(address);
    if (custody === null) return [];
    const expected = custodyInputs(custody);
    const inputs = Object.fromEntries(Object.entries(expected.inputs ?? {}).map(([name, n]) => [name, n.toString()]));
    const subject = assetId(chain.chainId, address);
    const asked = { subject, account: null, metric: "AST.CUSTODY_COVERAGE", testPoint: "epoch:7" as const, inputs };
    return [
      { about: { ...aboutIn({ chain, protocol, now }), ...asked }, rule: ruleCalled("COLLATERAL-CUSTODY"), expected },
    ];
  });
}

function aboutIn({ chain, protocol, now }: Omit<Scene, "model">) {
  const at = { testPoint: "end" as const, inputs: {}, blockTimestamp: now.toString() };
  return { chain: caip2(chain.chainId), protocol: protocolId(chain.chainId, protocol), ...at };
}

/** What a verifier knows of a session's chain. */
function groundsOf(chain: ChainDeployment, rule: Rule | null): Grounds {
  const deployment: Deployment = { version: 1, name: "session", chains: [chain] };
  return { rule, deployment, viewsOf: (protocol) => adapterOf(protocol).views };
}

/** The ask that proves a question's inputs. */
export function askOf({ about, rule }: Question, chain: ChainDeployment): () => Ask<InputsOf> {
  const { ask, reason } = derive(about, groundsOf(chain, rule));
  if (ask === null) throw new InvariantError(reason);
  return ask;
}

/** Answers an ask from what the node says, unproven: many can be compared in the time that one is captured. */
export async function answeredBy<T>(kit: Kit, ask: () => Ask<T>): Promise<T> {
  const rounds = ask();
  let round = rounds.next();
  while (round.done !== true) {
    const answers = round.value.map((request) =>
      isCall(request)
        ? kit.rpc("eth_call", [{ ...request, gas: "0x1c9c380" }, "latest"])
        : kit.rpc("eth_getStorageAt", [request.account, request.slot, "latest"]),
    );
    round = rounds.next((await Promise.all(answers)) as Hex[]);
  }
  return round.value;
}
