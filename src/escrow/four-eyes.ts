import { KlorosError } from '../errors.ts';
import type { Approval, EscrowEntry } from './types.ts';

const PEOPLE = 2;

/** The person behind a name: whoever runs as another user under sudo is named in brackets. */
const personOf = (name: string) => /\(([^()]+)\)$/.exec(name)?.[1] ?? name;

const refuse = (message: string, { id }: Pick<EscrowEntry, 'id'>) =>
  new KlorosError('KLR_E_ESCROW_FOUR_EYES', message, { where: id });

/** Whether two different people approved, neither of them the one who asked. */
function areEnough(entry: Pick<EscrowEntry, 'requester'>, approvals: readonly Approval[]): boolean {
  const people = new Set(approvals.map(({ reviewer }) => personOf(reviewer)));
  people.delete(personOf(entry.requester));
  return people.size >= PEOPLE;
}

/**
 * Whether an entry is approved with one more approval, where four eyes are asked for.
 * @throws KLR_E_ESCROW_FOUR_EYES when the reviewer asked for the change, or approved it before
 */
export function isSecondPair(entry: EscrowEntry, approval: Approval): boolean {
  const person = personOf(approval.reviewer);
  if (person === personOf(entry.requester))
    throw refuse(`${person} asked for the change of ${entry.id}, and does not approve it`, entry);
  if (entry.approvals.some(({ reviewer }) => personOf(reviewer) === person))
    throw refuse(`${person} approved ${entry.id} already: a second, different person has to`, entry);
  return areEnough(entry, [...entry.approvals, approval]);
}

/** Looked at again where an approval is used: the option may have been set since. @throws KLR_E_ESCROW_FOUR_EYES */
export function checkFourEyes(entry: EscrowEntry): void {
  if (areEnough(entry, entry.approvals)) return;
  const names = entry.approvals.map(({ reviewer }) => reviewer).join(', ');
  throw refuse(`${entry.id} was approved by ${names || 'nobody'} alone`, entry);
}
