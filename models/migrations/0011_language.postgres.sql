ALTER TABLE "user_account" ADD COLUMN "language" TEXT CHECK (language in ('nl', 'en'));
