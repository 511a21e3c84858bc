/** An operation cannot be done; the message is for the client. */
export class Refused extends Error {
  /** Of HTTP. */
  readonly status: 400 | 404 | 409

  constructor(status: Refused['status'], message: string) {
    super(message)
    this.status = status
  }
}
