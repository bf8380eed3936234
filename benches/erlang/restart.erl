#!/usr/bin/env escript
%%! +sbwt none
%% From a crash to the next answer: a gen_server under a one_for_one supervisor, found by its name.
-module(restart).
-mode(compile).
-behaviour(supervisor).
-export([main/1, init/1, start_child/1]).

-record(worker, {}).

main([Neighbours, Crashes]) ->
    logger:set_primary_config(level, none),
    {ok, Top} = supervisor:start_link(?MODULE, list_to_integer(Neighbours)),
    Times = [crash() || _ <- lists:seq(1, list_to_integer(Crashes))],
    Sorted = lists:sort(Times),
    Nth = fun(Part) -> lists:nth(max(1, round(length(Sorted) * Part)), Sorted) / 1000 end,
    io:format("[~.3f,~.3f]~n", [Nth(0.5), Nth(0.99)]),
    unlink(Top),
    halt(0).

crash() ->
    Began = erlang:monotonic_time(nanosecond),
    worker ! crash,
    answered(),
    erlang:monotonic_time(nanosecond) - Began.

%% The message above comes first; whoever answers is the next.
answered() ->
    Ref = make_ref(),
    case whereis(worker) of
        undefined -> erlang:yield(), answered();
        Pid ->
            Watch = monitor(process, Pid),
            Pid ! {ask, self(), Ref},
            receive
                {Ref, _} -> demonitor(Watch, [flush]), ok;
                {'DOWN', Watch, process, Pid, _} -> answered()
            end
    end.

init(Neighbours) ->
    Child = fun(Id) -> #{id => Id, start => {?MODULE, start_child, [Id]}} end,
    Ids = [worker | lists:seq(1, Neighbours)],
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1}, [Child(Id) || Id <- Ids]}}.

start_child(Id) ->
    proc_lib:start_link(erlang, apply, [fun() ->
        case is_atom(Id) of true -> register(Id, self()); false -> ok end,
        proc_lib:init_ack({ok, self()}),
        serve(#worker{})
    end, []]).

serve(State) ->
    receive
        crash -> error(crash);
        {ask, From, Ref} -> From ! {Ref, ok}, serve(State)
    end.
