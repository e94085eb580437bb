// The bodies of /api/v1, as crates/wire has them. Types only: nothing runs here. Bytes are base64url text, times are milliseconds since
// 1970, optional values are null.

/**
 * @typedef {import('../crypto/ed25519.js').Signed} Signed
 * @typedef {{ enc: string, ct: string }} Sealed
 * @typedef {{ slot: string, enc: string, ct: string }} SealedToSlot
 * @typedef {{ epoch: number, sealed: SealedToSlot[], previous: Sealed|null }} EpochPackage
 * @typedef {'live'|'review'|'download'|'manage'|'delete'} Right
 * @typedef {'init'|'video'|'audio'|'thumbnail'|'preview'|'card'|'trailer'} SegmentKind
 * @typedef {'view'|'download'} Purpose
 */

/**
 * @typedef {{ version: string, sign_up: 'open'|'invitation'|'closed', setup_needed: boolean, demo: boolean, tls: string|null, now: number }} Service
 * @typedef {import('../crypto/password.js').PasswordParameters} PasswordParameters
 * @typedef {{ parameters: PasswordParameters, login: string, wrapped: string }} Credentials
 * @typedef {{ login: string, wrapped: string }} RecoveryCredentials
 * @typedef {{ home: string, slot: string, token: string }} InvitationTicket
 * @typedef {{ setup: string }|{ invitation: InvitationTicket }} Ticket
 * @typedef {{ account: string, name: string, password: Credentials, recovery: RecoveryCredentials, kem: string, sign: string, ticket: Ticket|null }} SignUp
 * @typedef {{ name: string, login: string }} SignIn
 * @typedef {{ name: string, login: string }} RecoveryOpen
 * @typedef {{ account: string, wrapped: string }} RecoveryOpened
 * @typedef {{ name: string, login: string, password: Credentials, recovery: RecoveryCredentials }} RecoveryReplace
 * @typedef {{ account: string, name: string, session: string, parameters: PasswordParameters, wrapped: string, kem: string, sign: string }} Account
 * @typedef {{ login: string, password: Credentials }} PasswordChange
 * @typedef {{ login: string, recovery: RecoveryCredentials }} RecoveryChange
 * @typedef {{ statement: Signed, password: Credentials, recovery: RecoveryCredentials, homes: HomeHandOver[] }} KeysReplace
 * @typedef {{ home: string, change: ChainAppend }} HomeHandOver
 * @typedef {{ session: string, device: string, since: number, used: number, this: boolean }} Session
 */

/**
 * @typedef {{ home: string, genesis: Signed, epoch: EpochPackage, name: Signed, time_zone: string }} NewHome
 * @typedef {{ home: string, slot: string, rights: Right[], name: Signed, time_zone: string, retention_days: number, retention_bytes: number, used_bytes: number, bytes_max: number, events_today: number, events_a_day_max: number, chain_seq: number, lockdown: boolean, rotation_due: boolean, restored: number|null }} Home
 * @typedef {{ time_zone: string, retention_days: number, retention_bytes: number }} HomeSettings
 * @typedef {{ name: Signed }} NewName
 * @typedef {{ entries: Signed[], epochs: EpochPackage[] }} Chain
 * @typedef {{ slot: string, token_hash: string, sealed: Sealed }} NewInvitation
 * @typedef {{ entry: Signed, epoch: EpochPackage|null, invitation: NewInvitation|null, pairing: string|null, names: Signed[], resealed: Sealed|null }} ChainAppend
 * @typedef {{ seq: number, hash: string }} ChainHead
 * @typedef {{ account: string, name: string, slot: string, rights: Right[], since: number, keys_replaced: number|null }} Member
 * @typedef {{ slot: string, rights: Right[], created: number, expires: number, lapsed: boolean }} Invitation
 * @typedef {{ members: Member[], invitations: Invitation[] }} People
 * @typedef {{ ticket: InvitationTicket }} InvitationOpen
 * @typedef {{ entries: Signed[], epoch: number, sealed: Sealed, name: Signed, expires: number }} InvitationOpened
 * @typedef {{ ticket: InvitationTicket, entry: Signed, sealed: Sealed }} InvitationAccept
 * @typedef {{ lookup: string, offer: string, mac: string }} NewPairing
 * @typedef {{ answer: string, mac: string }} MacedAnswer
 * @typedef {{ expires: number, answer: MacedAnswer|null }} Pairing
 * @typedef {{ agent: string, since: number, heard: number|null, epoch: number|null, version: string|null, spool_bytes: number|null }} Agent
 */

/**
 * @typedef {'recording'|'not_reached'|'changed'|'agent_away'|'off'|'removed'} CameraState
 * @typedef {{ camera: string, agent: string, name: Signed, state: CameraState, since: number|null, last: Event|null, today: number }} Camera
 * @typedef {{ events: Event[], gaps: Gap[], next: string|null }} EventPage
 * @typedef {{ home: string, camera: string, event: string, header: Signed, filed: number, received: number, clock_unknown: boolean, complete: boolean, kept: boolean, seen: boolean, bytes: number }} Event
 * @typedef {{ camera: string, event: string }} EventRef
 * @typedef {{ event: Event, segments: Segment[], newer: EventRef|null, older: EventRef|null }} EventDetail
 * @typedef {{ kind: SegmentKind, number: number, bytes: number, sha256: string }} Segment
 * @typedef {{ gap: string, camera: string, from: number, until: number, reason: 'camera_not_reached'|'spool_full'|'agent_stopped'|'agent_off'|'camera_changed' }} Gap
 * @typedef {{ views: View[], next: string|null }} ViewPage
 * @typedef {{ account: string, name: string, device: string, at: number, kind: 'offered'|'thumbnail'|'opened'|'downloaded'|'refused', camera: string|null, event: string|null }} View
 * @typedef {{ kind: 'hello' }|{ kind: 'event', camera: string, event: string, fresh: boolean }|{ kind: 'home' }|{ kind: 'ended' }|{ kind: 'lockdown' }} Update
 */

export {}
