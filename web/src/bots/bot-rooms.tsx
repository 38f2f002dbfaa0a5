import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { asApiError } from "../api/errors";
import { humanise } from "../lib/format";
import { Nothing, Section } from "../machine/section";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { Skeleton } from "../ui/skeleton";
import { fieldFault } from "./bot-errors.core";
import { addBotRoom, listBotRooms, removeBotRoom, setBotRoomMode } from "./bots.api";
import { findRoomName, roomIdFault } from "./bots.core";
import { botKey } from "./bots-query";
import type { BotRoom, BotStatus, RoomMode } from "./bots.types";
import { ProblemNotice } from "./problem-notice";

const MODES: Record<RoomMode, string> = { auto: "Every message", mention: "Only when mentioned" };

/** Rooms that the bot is in, and what it answers there. */
export function BotRooms({ botId, status }: { botId: string; status: BotStatus | null }) {
  const client = useQueryClient();
  const key = botKey(botId, "rooms");
  const [leaving, setLeaving] = useState<BotRoom | null>(null);
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => listBotRooms(botId, signal) });
  const setMode = useMutation({
    mutationFn: ({ room_id, mode }: { room_id: string; mode: RoomMode }) => setBotRoomMode(botId, room_id, mode),
    onSuccess: (changed) => client.setQueryData<BotRoom[]>(key, (rooms) => rooms?.map((room) => (room.room_id === changed.room_id ? changed : room))),
  });
  const leave = useMutation({
    mutationFn: async (roomId: string) => {
      await removeBotRoom(botId, roomId);
      await client.invalidateQueries({ queryKey: key });
    },
    onSuccess: () => setLeaving(null),
  });
  const nameOf = (roomId: string): string | null => findRoomName(status?.roomDetails, roomId);
  return (
    <Section title="Rooms">
      {setMode.error !== null && <ProblemNotice error={setMode.error} />}
      {data ? (
        data.length === 0 ? (
          <Nothing>It is in no room yet. Add one below, or invite its address from a Matrix app.</Nothing>
        ) : (
          <ul data-testid="bot-rooms" className="rounded-xl border border-line bg-surface shadow-card">
            {data.map((room) => (
              <li key={room.room_id} className="flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line px-4 py-3 first:border-t-0">
                <div className="min-w-0 flex-[1_1_14rem]">
                  {nameOf(room.room_id) !== null && <p className="font-medium [overflow-wrap:anywhere]">{nameOf(room.room_id)}</p>}
                  <p className="font-mono text-xs leading-5 [overflow-wrap:anywhere] text-muted">{room.room_id}</p>
                </div>
                <label className="flex items-center gap-2 text-[0.8125rem]">
                  <span className="text-muted">Answers</span>
                  <select
                    aria-label={`What it answers in ${nameOf(room.room_id) ?? room.room_id}`}
                    value={pendingMode(setMode, room.room_id) ?? room.mode}
                    onChange={(event) => setMode.mutate({ room_id: room.room_id, mode: event.target.value as RoomMode })}
                    className="h-8 rounded-lg border border-line-strong bg-surface px-2 text-[0.8125rem]"
                  >
                    {!Object.hasOwn(MODES, room.mode) && <option value={room.mode}>{humanise(room.mode)}</option>}
                    {Object.entries(MODES).map(([mode, label]) => (
                      <option key={mode} value={mode}>
                        {label}
                      </option>
                    ))}
                  </select>
                </label>
                <Button size="sm" aria-label={`Remove from ${nameOf(room.room_id) ?? room.room_id}`} onClick={() => setLeaving(room)}>
                  Remove
                </Button>
              </li>
            ))}
          </ul>
        )
      ) : error ? (
        <ProblemNotice error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-20 rounded-xl" />
      )}
      {data && <AddRoom botId={botId} />}
      <ConfirmDialog
        isOpen={leaving !== null}
        onOpenChange={(isOpen) => {
          if (isOpen || leave.isPending) return;
          leave.reset();
          setLeaving(null);
        }}
        title="Remove it from this room?"
        description={<>It leaves {leaving && (nameOf(leaving.room_id) ?? <span className="font-mono text-xs">{leaving.room_id}</span>)} and answers nobody there any more.</>}
        confirmLabel="Remove"
        isBusy={leave.isPending}
        error={leave.error}
        onConfirm={() => leaving && leave.mutate(leaving.room_id)}
      />
    </Section>
  );
}

/** The choice that is on its way, so that the list does not jump back meanwhile. */
function pendingMode(change: { isPending: boolean; variables: { room_id: string; mode: RoomMode } | undefined }, roomId: string): RoomMode | null {
  return change.isPending && change.variables?.room_id === roomId ? change.variables.mode : null;
}

function AddRoom({ botId }: { botId: string }) {
  const client = useQueryClient();
  const [roomId, setRoomId] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const add = useMutation({
    mutationFn: async (id: string) => {
      await addBotRoom(botId, id, "auto");
      await client.invalidateQueries({ queryKey: botKey(botId, "rooms") });
    },
    onSuccess: () => setRoomId(""),
  });
  const failure = add.error ? asApiError(add.error) : null;
  const refused = fieldFault(failure, "room_id", "not_found", "forbidden");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const id = roomId.trim();
    const wrong = roomIdFault(id);
    setFault(wrong);
    if (wrong === null && !add.isPending) add.mutate(id);
  };
  return (
    <form data-testid="add-room" onSubmit={submit} className="grid grid-cols-1 gap-2">
      {failure && refused === null && <ProblemNotice error={failure} />}
      <div className="flex items-end gap-2">
        <div className="min-w-0 flex-1">
          <Field
            label="Add to a room"
            name="room_id"
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            maxLength={255}
            placeholder="!room:server"
            value={roomId}
            aria-describedby="add-room-hint"
            onChange={(event) => {
              setRoomId(event.target.value);
              setFault(null);
              add.reset();
            }}
          />
        </div>
        <Button type="submit" size="lg" busy={add.isPending} disabled={roomId.trim() === ""}>
          Add
        </Button>
      </div>
      {(fault ?? refused) && (
        <p role="alert" className="text-[0.8125rem] text-bad">
          {fault ?? refused}
        </p>
      )}
      <p id="add-room-hint" className="text-[0.8125rem] text-muted">
        You need to be in the room and may invite there, unless anybody may join. The room ID is in the room's advanced settings.
      </p>
    </form>
  );
}
