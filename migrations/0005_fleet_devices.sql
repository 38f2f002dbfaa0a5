CREATE TABLE `push_devices` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`device_token` text NOT NULL,
	`environment` text NOT NULL,
	`platform` text NOT NULL,
	`app_id` text NOT NULL,
	`device_name` text,
	`app_version` text,
	`is_active` integer NOT NULL,
	`last_used_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `push_devices_token` ON `push_devices` (`device_token`);
CREATE INDEX `push_devices_tenant` ON `push_devices` (`tenant_id`,`updated_at`);
CREATE TABLE `notifications` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`event_id` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`device_id` integer,
	`platform` text,
	`app_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `notifications_tenant` ON `notifications` (`tenant_id`,`created_at`);
