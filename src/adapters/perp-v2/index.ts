/**
 * Perpetual Protocol v2 (Curie): cross-margined perpetuals traded on Uniswap v3 pools of virtual tokens.
 * @see npm @perp/curie-deployments 2023.4.12-1681295833590
 */
import type { Adapter } from "../../core/adapter.ts";
import { decode } from "./decode.ts";
import { createModel } from "./model.ts";
import { PROTOCOL, READ_ABIS, sources } from "./sources.ts";
import { views } from "./views.ts";

export const perpV2: Adapter = { protocol: PROTOCOL, sources, decode, createModel, views, readAbis: READ_ABIS };
