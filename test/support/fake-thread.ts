/** The thread of a reactor that does nothing by itself: the test reads its commands and writes its reports. */
import { OpenAsks } from '../../src/control/reactors/open-asks.js'
import type { CommandedThread, ThreadEvents } from '../../src/control/reactors/reactor-thread.js'

export class FakeThread<Settings, Command, Report extends { readonly kind: string }>
  implements CommandedThread<Settings, Command, Report>
{
  readonly commands: Command[] = []
  settings: Settings | undefined
  readonly #asks = new OpenAsks<Report>()
  #events: ThreadEvents<Report> | undefined

  start(settings: Settings, events: ThreadEvents<Report>): void {
    this.settings = settings
    this.#events = events
  }

  post(command: Command): void {
    this.commands.push(command)
  }

  ask: CommandedThread<Settings, Command, Report>['ask'] = (command, answer) => {
    const answered = this.#asks.open(answer)
    this.post(command)
    return answered
  }

  end(last: Command, ended: () => void): void {
    this.post(last)
    this.#asks.close()
    ended()
  }

  report(report: Report): void {
    if (!this.#asks.answered(report)) this.#events?.onReport(report)
  }

  fail(error: Error): void {
    this.#asks.close()
    this.#events?.onFailure(error)
  }

  /** Commands since the last call. */
  since(): Command[] {
    return this.commands.splice(0)
  }
}
