#!/usr/bin/perl

# An account with many devices gets an event in turns, and other accounts come
# in between.  Each device gets each event once and in order, while devices
# come and go, and while the worker is replaced.  What waits is bounded.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { TURN => 128, MANY => 300, EVENTS => 200, TOO_MANY => 400 };

my $t = Pimap->new(workers => 1,
    http => 'pimap_max_devices_per_account 0; pimap_buffer 1m;'
        . ' pimap_gap_check 0;');
my $redis = $t->redis();

$t->plan(27);
$t->run();
$t->wait_ready();

sub mail { return $t->json({ event => 'MessageNew', uid => $_[0] }) }

# Events of an account, all at once; the first id.

sub burst {
    my ($account, $from, $to) = @_;

    return ($redis->together(sub {
        $redis->command('FCALL', 'pimap_publish', 1,
            $redis->channel($account), mail($_)) for $from .. $to;
    }))[0];
}

# Devices that have parked.

sub crowd {
    my ($account, $n, %set) = @_;

    my @streams = map { $t->park($account, %set) } 1 .. $n;

    $_->read_until(qr/: parked\n.*\n\n/) for @streams;
    $t->subscribed($account);

    return @streams;
}

# What each of these got up to this uid, as one text if they got the same.  The
# first one that lacks something is enough.

sub uids {
    my ($last, @streams) = @_;

    my %seen;

    for my $s (@streams) {
        my ($text, $uid) = ('', 0);

        while ($uid != $last) {
            my $block = $s->read_until(qr/\n\n/) // last;

            $text .= ($uid = $1) . ' ' if $block =~ /"uid":(\d+)/;
        }

        $seen{$text} = 1;
        last if $uid != $last;
    }

    return join('| ', sort(keys(%seen)));
}

sub from_to { return join('', map { "$_ " } $_[0] .. $_[1]) }

# The worker has not sent all of these yet.

sub busy {
    my ($before, $n, $name) = @_;

    cmp_ok($t->status()->{events}{delivered} - $before, '<', $n,
        "$name: the events are on their way");
}

# The order of accounts.  A device ends with its event, so the log tells.

my @ends = crowd('large', MANY, query => 'closeafter=state');

push(@ends, crowd('small', 1, query => 'closeafter=state'));

$redis->together(sub {
    $redis->command('PUBLISH', $redis->channel($_), mail(1))
        for qw(large small);
});

is(uids(1, @ends), '1 ', 'all devices get their event');

sub ended { return $t->log() =~ /reason="closeafter" account="(\w+)"/g }

ok($t->wait_for(sub { (() = ended()) == @ends }, 'the ends'),
    'all devices end');

my @order = ended();

is((grep { $order[$_] eq 'small' } 0 .. $#order)[0], TURN,
    'the small account gets its event after the first turn of the large one');

# Devices come and go.

my $before = $t->status()->{events}{delivered};
my @crowd = crowd('busy', MANY);
my $id = burst('busy', 1, EVENTS);

busy($before, MANY * EVENTS, 'devices');

my ($late) = crowd('busy', 1);
my ($resumed) = crowd('busy', 1, headers => { 'Last-Event-ID' => $id });

$_->abort() for @crowd[10 .. 19, 250 .. 259];
busy($before, MANY * EVENTS, 'after other devices');
burst('busy', EVENTS + 1, EVENTS + 1);

is(uids(EVENTS + 1, @crowd[0 .. 9, 20 .. 249, 260 .. 299]),
    from_to(1, EVENTS + 1), 'the devices that stay get each event once');
is(uids(EVENTS + 1, $late), EVENTS + 1 . ' ',
    'a device that comes gets later events only');
is(uids(EVENTS + 1, $resumed), from_to(2, EVENTS + 1),
    'a device that comes back gets all events after its id once');

@crowd = @crowd[0 .. 9, 20 .. 249, 260 .. 299];

# The worker is replaced.

for my $publish (
    ['FCALL', sub { burst('busy', $_[0], $_[1]) }],
    ['PUBLISH', sub {
        my ($from, $to) = @_;
        $redis->together(sub {
            $redis->command('PUBLISH', $redis->channel('busy'), mail($_))
                for $from .. $to;
        });
    }])
{
    my ($name, $code) = @$publish;

    $before = $t->status()->{events}{delivered};
    $code->(1001, 1000 + EVENTS);
    busy($before, @crowd * EVENTS, $name);
    $t->reload();
    burst('busy', 1999, 1999);

    is(uids(1999, @crowd), from_to(1001, 1000 + EVENTS) . '1999 ',
        "$name: devices get each event once at a reload");
    is((grep { $_->{eof} } @crowd), 0, "$name: no device is closed");
}

# A device that is asked to come back has had what was published before.

my @polls = map { $t->park('busy', query => 'format=json&wait=1&last-event-id='
    . $redis->command('FCALL', 'pimap_last', 1, $redis->channel('busy')),
    close => 1) } 1 .. 5;

$before = $t->status()->{events}{delivered};
burst('busy', 2001, 2000 + EVENTS);
busy($before, @crowd * EVENTS, 'polls');

for my $poll (@polls) {
    my ($last, @ids) = $poll->body() =~ /"(?:lastEventId|id)":"([\d-]+)"/g;

    is($last, $ids[-1], 'the answer to a poll has the id of its last event');
}

is(uids(2000 + EVENTS, @crowd), from_to(2001, 2000 + EVENTS),
    'the other devices get all');

# More events than wait for an account: the log has the rest.

$before = $t->status();
burst('busy', 3001, 3000 + TOO_MANY);
is(uids(3000 + TOO_MANY, @crowd), from_to(3001, 3000 + TOO_MANY),
    'many events at once: each device gets each of them once');

my $after = $t->status();

cmp_ok($after->{log}{filled} - $before->{log}{filled}, '>', 0,
    'some are read from the log');
is($after->{log}{resyncs}, $before->{log}{resyncs}, 'no device resyncs');

# Without a log the devices are told.

my @lost = crowd('lost', MANY);

$redis->together(sub {
    $redis->command('PUBLISH', $redis->channel('lost'), mail($_))
        for 1 .. TOO_MANY;
});

my $told = 0;

for my $s (@lost) {
    my ($resync, $uid) = (0, 0);

    while ($uid < TOO_MANY) {
        my $block = $s->read_until(qr/\n\n/) // last;

        $resync = 1 if $block =~ /event: resync\n.*"memory"/s;
        $block =~ /"uid":(\d+)/ or next;
        last if $1 != $uid + 1 && !$resync || $1 <= $uid;
        ($uid, $resync) = ($1, 0);
    }

    last if $uid < TOO_MANY;
    $told++;
}

is($told, @lost, 'many events without an id: what is missing is a resync');
is($t->status()->{log}{resyncs} - $after->{log}{resyncs}, @lost,
    'each device has one');
is($t->status()->{devices}{detached}, @crowd + @lost + 2,
    'no device has ended');
