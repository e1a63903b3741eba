import { z } from 'zod'

/** The identities whose users are administrators. In development those that need no proof can be too. */
export const Admins = ({ development }: { development: boolean }) =>
  z.array(
    z.strictObject({
      issuer: z.url().refine((issuer) => development || issuer.startsWith('https://'), { error: 'must be https' }),
      subject: z.string().min(1),
    }),
  )
