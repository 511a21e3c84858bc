import type { Module } from './module.js'

/** Does nothing by itself: a place for scripts. */
export class Null implements Module {}
