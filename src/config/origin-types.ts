/** Value types of where clients come from: countries and autonomous systems. */
import { refuseText } from './expectation.js'
import { commaList, oneToken } from './value-type.js'

const ASN_MAX = 2 ** 32 - 1

/** ISO 3166-1 alpha-2, in capitals. Whether there is such a country is left to the database. */
const country = oneToken('COUNTRY', (text) =>
  /^[a-z]{2}$/i.test(text)
    ? text.toUpperCase()
    : refuseText("the two letters of a country (ISO 3166-1) such as 'DE'", text),
)

/** As `AS64500`, which no country is. */
const asn = oneToken('ASN', (text) => {
  const [, digits] = /^(?:AS)?(\d{1,10})$/i.exec(text) ?? []
  const number = Number(digits)
  return number >= 1 && number <= ASN_MAX
    ? `AS${number}`
    : refuseText(`the number of an autonomous system, 1 to ${ASN_MAX}`, text)
})

export const countries = commaList(country)
export const asns = commaList(asn)
