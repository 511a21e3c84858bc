/** A program to start: what a relay or a workload describes and the runner carries out. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** Written into the program's own folder before it starts: name to content. */
  readonly files?: Readonly<Record<string, string>>
  /** Added to the environment of the benchmark. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A program that must be on the machine, and where Debian keeps it. */
export interface Tool {
  readonly command: string
  readonly debianPackage: string
}

export function installHint(debianPackages: readonly string[]): string {
  return `apt-get install ${[...new Set(debianPackages)].join(' ')}`
}
