import { narrowTransferTests, transferTests } from './transfers.js'

transferTests(1024 * 1024 * 1024)
narrowTransferTests(64 * 1024 * 1024)
