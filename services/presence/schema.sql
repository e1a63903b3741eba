create table presence.last_seen (
  user_id uuid not null,
  last_seen_at timestamp(3) with time zone not null,
  constraint last_seen_pkey PRIMARY KEY (user_id)
);
