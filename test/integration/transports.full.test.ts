import { transportTests } from './transports.js'

const FILES = ['endings', 'interactive', 'resets', 'timeouts', 'transfers', 'nginx', 'places']
transportTests('yes', FILES)
transportTests('no', FILES)
