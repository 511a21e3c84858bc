/**
 * Where the files of a folder run: P anywhere, without a system call; R on a reactor; C on the control thread;
 * B on both; `root` for the programs, which put the layers together.
 */
export type RunsOn = 'P' | 'R' | 'C' | 'B' | 'root'

export interface Layer {
  readonly on: RunsOn
  /** Folders of src/ below this one. */
  readonly below: readonly string[]
  /** Modules of Node and packages that its files may import. */
  readonly outside?: readonly string[]
  /** May name the types of any folder, which costs nothing when it runs. */
  readonly namesAllTypes?: boolean
}

const OBSERVE = ['observe', 'cells', 'kernel', 'base']

/** What runs on a reactor thread, below the engine that puts it together. */
const REACTOR_SIDE = ['accept', 'relay', 'admission', 'balance', 'tls', 'reactor', 'wire', ...OBSERVE]

/**
 * The layers of docs/architecture.md. What an import needs and is not here is either in the wrong folder, or the
 * reason for a decision record (docs/decisions/0007-layers-in-practice.md is one).
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
  admission: { on: 'P', below: ['balance', 'wire', 'base'] },
  relay: { on: 'R', below: ['admission', 'balance', 'tls', 'reactor', 'wire', ...OBSERVE] },
  accept: { on: 'R', below: ['admission', 'balance', 'reactor', 'wire', ...OBSERVE] },
  engine: { on: 'R', below: REACTOR_SIDE, outside: ['node:worker_threads'] },
  mavis: { on: 'C', below: ['wire', ...OBSERVE], outside: ['node:'] },
  services: { on: 'C', below: ['wire', ...OBSERVE], outside: ['node:'] },
  config: { on: 'C', below: ['base'], outside: ['node:'], namesAllTypes: true },
  plan: { on: 'C', below: ['config', 'services', 'engine', ...REACTOR_SIDE], outside: ['node:'] },
  control: {
    on: 'C',
    below: ['plan', 'config', 'services', 'mavis', 'engine', ...REACTOR_SIDE],
    outside: ['node:'],
  },
  cli: {
    on: 'root',
    below: ['control', 'plan', 'config', 'services', 'mavis', 'engine', ...REACTOR_SIDE],
    outside: ['node:'],
  },
}

/** The one file that knows which FFI is used. */
export const FFI_FILE = 'src/kernel/ffi.ts'
