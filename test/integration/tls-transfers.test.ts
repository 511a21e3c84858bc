import { tlsTransferTests } from './tls-transfers.js'

tlsTransferTests(32 * 1024 * 1024)
