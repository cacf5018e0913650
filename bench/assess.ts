/** What it costs to assess accounts under all rules at once, on one core, without writing anything. */
import type { Book } from "../src/core/book/book.ts";
import { InvariantError } from "../src/core/errors.ts";
import type { BlockRef } from "../src/core/event.ts";
import type { Hex } from "../src/core/ids.ts";
import { type Answer, type Moment, questionsFor } from "../src/core/rules/assess.ts";
import { dayOf } from "../src/core/rules/day.ts";
import { foldAll, refsOf } from "./fold.ts";
import { createWorkload, FULL } from "./workload/workload.ts";

/** Logs until an account has come to the market, and accounts that come for four that hold a position in the end. */
const LOGS_PER_ACCOUNT = 21;
const COMING_FOR_FOUR = 5;
/** And some more, for markets so small that chance tells. */
const COMING_AT_LEAST = 10;
const BLOCKS = 300;
const ROUNDS = 3;
const MOMENTS: readonly Moment[] = ["open", "daily", "end", "epoch"];

/** `rules` are those that are evaluated; an evaluation is one rule asked of one subject at one of its test points. */
export type AssessmentCost = {
  accounts: number;
  rules: number;
  evaluations: number;
  determinate: number;
  /** Of the fastest of several rounds. */
  seconds: number;
};

/** Folds a market in which `accounts` accounts, counted in each protocol, hold a position, and assesses all of them and what is around them. */
export async function measureAssessment(accounts: number, seed: number): Promise<AssessmentCost> {
  const coming = COMING_AT_LEAST + Math.ceil((accounts * COMING_FOR_FOUR) / 4);
  const logsPerBlock = Math.ceil((coming * LOGS_PER_ACCOUNT) / BLOCKS);
  const options = { ...FULL, seed, accounts: coming, blocks: BLOCKS, logsPerBlock, liveBlocks: 0 };
  const { history } = createWorkload(options);
  const { book } = await foldAll(history, refsOf(history));
  const members = membersOf(book).slice(0, accounts);
  if (members.length < accounts) {
    throw new InvariantError(`The market has ${members.length} accounts with a position; expected ${accounts}.`);
  }
  const block = book.ended as BlockRef;
  const rounds = Array.from({ length: ROUNDS }, () => assessOnce(book, { members, block }));
  const [fastest] = rounds.sort((a, b) => a.seconds - b.seconds) as [(typeof rounds)[number]];
  const rules = book.rulebook.rules.filter((rule) => rule.evaluation !== "not-yet").length;
  return { accounts, rules, ...fastest };
}

type Member = { venue: Book["venues"][number]; address: Hex };

/** Accounts that hold a position, in the order of protocols and addresses. */
function membersOf(book: Book): Member[] {
  return book.venues.flatMap((venue) => {
    const holders = new Set(venue.model.marketKeys().flatMap((key) => [...venue.model.holders(key)]));
    return [...holders].map((address) => ({ venue, address }));
  });
}

function assessOnce(book: Book, { members, block }: { members: readonly Member[]; block: BlockRef }) {
  for (const venue of book.venues) venue.figures.void();
  const counts = { evaluations: 0, determinate: 0 };
  const count = (answers: readonly Answer[]) => {
    counts.evaluations += answers.length;
    for (const { condition } of answers) if (condition !== "unknown") counts.determinate++;
  };
  const started = performance.now();
  for (const { venue, address } of members) {
    const scene = book.appraiser.scene(address, venue, block);
    const held = book.appraiser.held(scene);
    for (const moment of MOMENTS) {
      for (const { answers } of book.appraiser.answers(scene, { held, moment })) count(answers);
    }
  }
  const date = dayOf(block.timestamp);
  for (const topic of book.surveyor.topics()) {
    for (const moment of MOMENTS) {
      const query = book.surveyor.query(topic, { moment, block, date });
      count(book.surveyor.answers(topic, questionsFor(book.rulebook, query), block));
    }
  }
  return { ...counts, seconds: (performance.now() - started) / 1000 };
}
