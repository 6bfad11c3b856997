/**
 * Encrypts what is stored but never shown again: secrets, passwords in addresses, signing keys. The key is not in the
 * database, so a copy of the database alone opens nothing.
 */
export interface Vault {
  /** Encrypts a text for one place; `place` names it: `sql/ann/main`. The same text gives another one every time. */
  seal(text: string, place: string): string
  /** Decrypts. Throws INTERNAL if it was sealed for another place or with another key, or was changed since. */
  open(sealed: string, place: string): string
}
