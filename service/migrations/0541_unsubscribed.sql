-- An address that turned the newsletter off is kept, so that the secretariat sees it and can put it back.
ALTER TABLE vault.council_addresses ADD COLUMN unsubscribed_at timestamptz;
