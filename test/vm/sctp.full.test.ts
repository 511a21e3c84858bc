import { testInGuest } from './guest.js'

testInGuest('SCTP, in User Mode Linux', 'sctp-cases')
