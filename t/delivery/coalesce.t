#!/usr/bin/perl

# With "pimap_coalesce" the first event of a kind is sent at once, and only the
# last of those that follow within the window.  A new message is sent at once,
# after the held events.  Without it each event is delivered.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant STORM => 200;

# The window of $t ends in this test, the window of $long does not.

my @mode = ($ENV{PIMAP_HTTP} // '') =~ /coalesce/ ? (mode => '') : ();
my $t = Pimap->new(@mode, http => 'pimap_coalesce 300ms;');
my $long = Pimap->new(@mode, redis => $t->redis(), http =>
    'pimap_coalesce 10s; pimap_max_event 128k; pimap_buffer 1m;');
my $off = Pimap->new(@mode, redis => $t->redis());
my $redis = $t->redis();

$t->plan(32);
$_->run() for $t, $long, $off;
$_->wait_ready() for $t, $long, $off;

# Publishes events in one transaction, each numbered by "uid"; returns their
# ids.

sub publish {
    my ($account, $uid, @events) = @_;

    return $redis->together(sub {
        $redis->log($account, { ref($_) ? %$_ : (event => $_),
            uid => $uid++ }) for @events;
    });
}

# The numbers of the next events, if they arrive before a long window ends.

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n, 6));
}

sub in { return { event => $_[1] // 'FlagsSet', mailbox => $_[0] } }
sub state_of { return { '@type' => 'StateChange', changed => $_[0] } }
sub coalesced { return $_[0]->status()->{events}{coalesced} }

# Many events at once.

my $s = $t->park_live('alice');
my @ids = publish('alice', 1, (in('INBOX')) x STORM);
my @got = $s->event();

push(@got, $s->event() || last) until $got[-1]{json}{uid} == STORM;

is($got[0]{json}{uid}, 1, 'many events: the first is sent');
is($got[-1]{id}, $ids[-1], 'many events: the last is sent');
cmp_ok(scalar(@got), '<=', 10, 'many events: few are sent between them');
is(coalesced($t), STORM - @got, 'many events: the others are counted');
is(join(' ', map { $ids[$_->{json}{uid} - 1] } @got),
    join(' ', map { $_->{id} } @got), 'many events: each has its own id');
ok($s->quiet(0.4), 'many events: none follows the last');

publish('alice', 1, in('INBOX'), in('Sent'), in('INBOX'));
is(uids($s, 3), '1 2 3', 'two mailboxes in the next window: all are sent');

# Order, kinds, and filters.

$s = $long->park_live('bob');

my $inbox = $long->park_live('bob', query => 'mailboxes=INBOX');
my $flags = $long->park_live('bob', query => 'events=FlagsSet,MessageNew');
my $before = coalesced($long);

$s->events(4);
$inbox->events(2);

publish('bob', 1, in('INBOX'));
is(uids($s, 1), '1', 'the first event is sent at once');

@ids = publish('bob', 2, in('INBOX'), in('Trash'), in('INBOX', 'FlagsClear'),
    in('INBOX'), in('Trash'), in('Trash', 'MessageExpunge'));
ok($s->quiet(0.2), 'later events are held');
publish('bob', 8, in('INBOX', 'MessageNew'));

my @events = $s->events(5, 6);

is(join(' ', map { $_->{json}{uid} } @events), '4 5 6 7 8',
    'a new message is sent at once, after the held events, in order');
is(join(' ', map { $_->{id} } @events[0 .. 3]), join(' ', @ids[2 .. 5]),
    'the held events have their ids');
is(uids($inbox, 4), '1 4 5 8', 'a filter by mailboxes selects held events');
is(uids($flags, 4), '1 5 6 8', 'a filter by events selects held events');
is(coalesced($long) - $before, 2,
    'a merged event is counted once for all devices');

for (['Vendor.Thing', 'an unknown name'],
    [{ '@type' => 'CalendarAlert' }, 'an alert'],
    [{ event => 'FlagsSet', owner => 17 }, 'an odd owner'])
{
    my ($event, $name) = @$_;

    publish('bob', 1, in('INBOX'), $event, $event, in('INBOX'), $event);
    is(uids($s, 5), '1 2 3 4 5', "$name is never held");
}

# Other fields that make kinds differ.

$s = $long->park_live('carol');
publish('carol', 1, { event => 'ContactChange', collection => 'a' },
    map({ { event => 'ContactChange', %$_ } } { collection => 'a' },
        { collection => 'b' }, { collection => 'b', owner => 'bob' }, {},
        { collection => 'b' }, {}),
    map({ { event => 'MailboxRename', mailbox => 'x', oldMailbox => $_ } }
        qw(y z y)),
    'MessageNew');
is(uids($s, 8), '1 2 4 6 7 9 10 11',
    'collection, owner and old mailbox name make kinds differ');

$s = $long->park_live('states');
publish('states', 1, map({ state_of($_) } { a => { Email => '1' } },
    { a => { Email => '2' } }, { a => { Thread => '3' } },
    { a => { Email => '4', Thread => '4' } }, { b => { Email => '5' } },
    { a => { Email => '6' } }), 'MessageNew');
is(uids($s, 5), '1 4 5 6 7',
    'a StateChange replaces earlier ones for the types it names');

# Without ids.

$s = $long->park_live('plain');
$redis->publish('plain', { event => 'FlagsSet', uid => $_ }) for 1 .. 3;
publish('plain', 4, 'FlagsSet');
$redis->publish('plain', { event => 'FlagsSet', uid => 5 });
ok(uids($s, 1) eq '1' && $s->quiet(0.2), 'no id: the first is sent');
publish('plain', 6, 'MessageNew');
@events = $s->events(3, 6);
is(join(' ', map { $_->{json}{uid} . ($_->{id} ? '' : '-') } @events),
    '4 5- 6', 'an event without an id replaces only such events');

# Bounds.

$s = $long->park_live('dave');
publish('dave', 0, map({ in("m$_") } 0 .. 16));
ok(uids($s, 1) eq '0' && $s->quiet(0.2), '16 kinds are held');
publish('dave', 17, in('m17'));
is(uids($s, 16), join(' ', 1 .. 16), 'one kind more: held events are sent');
publish('dave', 18, map({ { %{ in($_) }, preview => 'x' x 30_000 } }
    qw(m17 m18 m19)));
is(uids($s, 2), '18 19', 'too many bytes held: events are sent');
publish('dave', 21, { %{ in('m20') }, preview => 'x' x 70_000 });
is(uids($s, 2), '20 21', 'an event that is too long is not held');
publish('dave', 22, in('m1'), in('m1'), { %{ in('m1') },
    preview => 'x' x 70_000 });
is(uids($s, 1), '24', 'an event that is too long replaces held ones');

# A window without events ends, and the next event opens another.

$s = $t->park_live('erin');
publish('erin', 1, 'FlagsSet', 'FlagsSet');
is(uids($s, 2), '1 2', 'a held event is sent when its window ends');
ok($s->quiet(0.8), 'a window without events: nothing is sent');
publish('erin', 3, 'FlagsSet', 'FlagsSet');
is(uids($s, 2), '3 4', 'the next window works');

# The last device of an account leaves while events are held.

$s = $t->park_live('gina');
publish('gina', 1, 'FlagsSet', 'FlagsSet');
uids($s, 1);
$s->abort();
$t->wait_for(sub { !$redis->numsub('gina') }, 'the end of the account');
$s = $t->park_live('gina');
ok($s->quiet(0.4), 'the last device leaves: held events are dropped');

# Memory does not grow.

my $client = $redis->connect();

$s = $long->park_live('hugo');

sub batch {
    my ($uid) = @_;

    my @texts = map { $t->json($_) } { event => 'FlagsSet', owner => 'bob' },
        { event => 'FlagsSet', mailbox => 'INBOX', preview => 'x' x 300 },
        state_of({ a => { Email => '1', Thread => '1' } });

    $client->send('PUBLISH', $redis->channel('hugo'), $_)
        for (@texts) x 100, qq({"event":"MessageNew","uid":$uid});
    $client->reply() for 0 .. 3 * 100;
    $s->read_until(qr/"uid":$uid\}\n\n/);
}

batch($_) for 1 .. 10;

my $rss = $long->nginx()->rss();

batch($_) for 11 .. 60;
cmp_ok($long->nginx()->rss() - $rss, '<', $t->slack(256),
    'merged events leave no memory behind');

# Off.

$s = $off->park_live('frank');
publish('frank', 1, ('FlagsSet') x 5);
is(uids($s, 5), '1 2 3 4 5', 'off: each event is delivered');
