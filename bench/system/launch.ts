/** A program to start: described by a relay or a workload, started by the runner. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** Written into the program's own folder before it starts: name to content. */
  readonly files?: Readonly<Record<string, string>>
  /** Added to the environment of the benchmark. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A required program, and the Debian package that has it. */
export interface Tool {
  readonly command: string
  readonly debianPackage: string
}

export function installHint(debianPackages: readonly string[]): string {
  return `apt-get install ${[...new Set(debianPackages)].join(' ')}`
}
