interface UserTarget {
  readonly tenant: string
  readonly user: string
}

/** A user as it was read: the command does nothing if the password is another one by then. */
interface KnownUser extends UserTarget {
  readonly name: string
  readonly passwordHash: string
}

/** What the writer does for `auth`. */
export interface AuthCommands {
  'auth.add-user': {
    input: KnownUser & { readonly now: number; readonly usersMax: number }
    output: 'done' | 'taken' | 'too-many'
  }
  'auth.delete-user': { input: UserTarget; output: boolean }
  'auth.attempt': { input: { tenant: string; name: string; now: number; free: number }; output: number }
  'auth.add-session': {
    input: KnownUser & {
      readonly session: string
      readonly tokenHash: string
      readonly now: number
      readonly expiresAt: number
      readonly sessionsMax: number
    }
    output: boolean
  }
  'auth.end-session': { input: UserTarget & { readonly session: string; readonly now: number }; output: boolean }
  'auth.end-sessions': { input: UserTarget & { readonly now: number }; output: number }
  'auth.set-password': { input: KnownUser & { readonly to: string }; output: boolean }
  'auth.add-key': { input: { tenant: string; id: string; sealed: string; publicKey: string }; output: void }
}
