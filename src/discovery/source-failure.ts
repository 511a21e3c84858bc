/** Why a source has no answer: `message` is part of a log line. Anything else that is thrown is an error of the program. */
export class SourceFailure extends Error {}
