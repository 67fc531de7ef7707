-- What is due, a channel at a time, oldest first; and whose turn it is among those who may have few under way.
CREATE INDEX deliveries_next ON ledger.deliveries (channel, due_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_turn ON ledger.deliveries (channel, recipient, due_at, id) WHERE state = 'waiting';
DROP INDEX ledger.deliveries_due;
