import type { Module } from './module.js'

/** Module `null`: does nothing itself, but may have scripts. */
export class Null implements Module {}
