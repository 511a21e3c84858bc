/** When a slow attempt is hedged: after a percentile of the recent connect times, or after a fixed time. */
export type HedgePlan = { readonly percentile: number } | { readonly afterMs: number }
