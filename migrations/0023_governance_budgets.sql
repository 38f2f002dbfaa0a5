-- Keys of model providers and of tenants, and what settled model calls used. Limits and spend are the ledger's (BudgetDO).
CREATE TABLE `governance_provider_keys` (
	`provider` text PRIMARY KEY NOT NULL,
	`sealed_key` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE TABLE `governance_model_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`tenant_born_revision` integer NOT NULL,
	`key_hash` text NOT NULL,
	`issued_at` integer NOT NULL,
	`revoked_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_model_keys_hash` ON `governance_model_keys` (`key_hash`);
CREATE UNIQUE INDEX `governance_model_keys_living` ON `governance_model_keys` (`tenant`) WHERE revoked_at IS NULL;
CREATE INDEX `governance_model_keys_tenant` ON `governance_model_keys` (`tenant`,`issued_at`);
CREATE TABLE `governance_token_usage` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text,
	`user_id` text,
	`model` text NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	`recorded_at` integer NOT NULL,
	`created_at` integer NOT NULL
);
CREATE INDEX `governance_token_usage_time` ON `governance_token_usage` (`recorded_at`,`id`);
CREATE INDEX `governance_token_usage_tenant` ON `governance_token_usage` (`tenant`,`recorded_at`,`id`);
