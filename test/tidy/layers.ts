/** The layers of the product. Start reading this folder here; each *.test.ts checks one set of rules. */

/**
 * The threads on which the files of a folder run: P any, without system calls; R a reactor; C the control thread;
 * B both; `root` for the programs, which compose the layers.
 */
export type RunsOn = 'P' | 'R' | 'C' | 'B' | 'root'

export interface Layer {
  readonly on: RunsOn
  /** Folders of src/ below this one. */
  readonly below: readonly string[]
  /** Modules of Node and packages that its files may import. */
  readonly outside?: readonly string[]
  /** Whether it may import types of any folder, which has no effect at run time. */
  readonly namesAllTypes?: boolean
  /** May name the types of these folders, and loads nothing of them. */
  readonly namesTypesOf?: readonly string[]
}

const OBSERVE = ['observe', 'cells', 'kernel', 'base']

/** The layers of a reactor thread, below the engine that composes them. */
const REACTOR_SIDE = ['accept', 'relay', 'admission', 'balance', 'tls', 'reactor', 'wire', ...OBSERVE]

/**
 * The layers of docs/architecture.md. An import that is not allowed here is a sign of code in the wrong folder, or
 * needs a decision record (docs/decisions/0007-layers-in-practice.md is one).
 */
export const LAYERS: Readonly<Record<string, Layer>> = {
  base: { on: 'P', below: [], outside: ['ipaddr.js'] },
  wire: { on: 'P', below: ['base'] },
  kernel: { on: 'B', below: ['base'], outside: ['node:fs'] },
  cells: { on: 'B', below: ['kernel', 'base'] },
  observe: { on: 'B', below: ['cells', 'kernel', 'base'] },
  reactor: { on: 'R', below: OBSERVE, outside: ['node:worker_threads'] },
  tls: { on: 'R', below: ['wire', ...OBSERVE] },
  balance: { on: 'P', below: ['cells', 'base'] },
  admission: { on: 'P', below: ['balance', 'wire', 'cells', 'base'] },
  simulate: { on: 'P', below: ['admission', 'balance', 'base'] },
  relay: { on: 'R', below: ['admission', 'balance', 'tls', 'reactor', 'wire', ...OBSERVE] },
  accept: { on: 'R', below: ['admission', 'balance', 'reactor', 'wire', ...OBSERVE] },
  engine: { on: 'R', below: REACTOR_SIDE, outside: ['node:worker_threads'], namesTypesOf: ['mavis'] },
  mavis: { on: 'C', below: ['wire', ...OBSERVE], outside: ['node:'] },
  services: { on: 'C', below: ['wire', ...OBSERVE], outside: ['node:'] },
  health: { on: 'C', below: ['wire', ...OBSERVE], outside: ['node:'] },
  discovery: { on: 'C', below: ['services', 'wire', ...OBSERVE], outside: ['node:', 'dns-packet'] },
  config: { on: 'C', below: ['base'], outside: ['node:'], namesAllTypes: true },
  plan: {
    on: 'C',
    below: ['config', 'discovery', 'health', 'services', 'engine', ...REACTOR_SIDE],
    outside: ['node:', 'mmdb-lib'],
  },
  control: {
    on: 'C',
    below: ['plan', 'config', 'discovery', 'health', 'services', 'mavis', 'engine', ...REACTOR_SIDE],
    outside: ['node:'],
  },
  admin: {
    on: 'C',
    below: [
      'control',
      'plan',
      'config',
      'discovery',
      'health',
      'services',
      'mavis',
      'engine',
      ...REACTOR_SIDE,
    ],
    outside: ['node:', 'fastify'],
  },
  cli: {
    on: 'root',
    below: [
      'simulate',
      'admin',
      'control',
      'plan',
      'config',
      'discovery',
      'health',
      'services',
      'mavis',
      'engine',
      ...REACTOR_SIDE,
    ],
    outside: ['node:'],
  },
}

/**
 * Floors of a layer: its folders, the lowest first. Files directly in the folder of the layer are above all of them. An
 * import between floors goes down, also of types.
 */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  plan: ['load', 'compile', 'check'],
  control: ['process', 'generations', 'reactors', 'children'],
  admin: ['operations', 'ctl', 'answers', 'metrics', 'http'],
}

/** The only file that imports the FFI. */
export const FFI_FILE = 'src/kernel/ffi.ts'
