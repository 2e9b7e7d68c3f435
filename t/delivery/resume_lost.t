#!/usr/bin/perl

# A log that has lost all its events, or has begun again.  A device that was
# there before the first event is told to resync, and Redis is asked no more
# than a few times.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1, http => 'pimap_gap_check 0;');
my $redis = $t->redis()->start()->load();

# The last is the reason of a resync before the next event.

my @lost = (
    ['deleted', sub { $redis->command('DEL', key($_[0], 'log')) }, 'epoch'],
    ['trimmed', sub { $redis->command('XTRIM', key($_[0], 'log'),
        qw(MAXLEN 0)) }],
);

$t->plan(16 * @lost + 4 + 6 + 4);
$t->run();
$t->wait_ready();

# The log has no event, but a later end, or there is only its epoch.

for my $lost (@lost) {
    my ($name, $happens, $reason) = @$lost;
    my $live = $t->park_live($name);
    my $id = (map { post($name, $_) } 1 .. 3)[-1];

    is(got($live, 3), '1 2 3', "a log that is $name: a parked device");
    $happens->($name);

    my $before = commands();
    my %device = map { $_ => $t->park($name, query => "last-event-id=$_") }
        qw(0 earliest);
    my $resync = $device{0}->event();

    is($resync->{json}{reason}, 'gone', '    0: resync');
    is($resync->{id}, $reason ? $id =~ s/\d+$/0/r : $id,
        '    the id to resume from');
    is($live->event()->{json}{reason}, 'gone', '    the parked device, too')
        if $reason;
    ok($_->quiet(0.5), '    nothing else') for $live, values(%device);
    cmp_ok(commands() - $before, '<', 50, '    a few commands of Redis');

    my $poll = $t->get("/events?account=$name&format=json&wait=0"
        . '&last-event-id=0');

    like($poll->{body}, qr/"gone"/, '    a long-poll with 0: resync, too');

    # A device that is told again has nothing to lose.

    my $next = post($name, 4);

    for (['parked', $live], ['0', $device{0}],
        ['earliest', $device{earliest}])
    {
        my ($which, $s) = @$_;
        my $event = $s->event();

        if ($reason) {
            is($event->{json}{reason}, $reason, "    $which: resync");
            $event = $s->event();
        }

        is($event->{json}{uid}, 4, "    $which: the next event");
        is($event->{id}, $next, '        its id');
    }

    my $s = $t->park($name, query => "last-event-id=$id");

    is(got($s, 1), $reason // '4', '    from the last id: what is next');
    ok($s->quiet(0.05), '    no more');
}

# A log that begins again.

for (['log', sub { $redis->command('DEL', key('log', 'log')) }],
    ['server', sub { $redis->other_server('server') }])
{
    my ($name, $happens) = @$_;
    my $first = $t->get("/events?account=$name&format=json&wait=0");

    like($first->{head}, qr/^Pimap-Last-Event-ID: 0\r$/mi,
        "another $name: a device comes before the first event");
    post($name, $_) for 1 .. 2;
    $happens->();
    post($name, 3);

    my $s = $t->park($name, query => 'last-event-id=0');

    is(got($s, 2), 'gone 3', '    it comes back: resync first');
    is(got($t->park($name, query => 'last-event-id=earliest'), 1), '3',
        '    earliest: only the event');
}

# A parked device, whose connection breaks.  Its account is read before the
# next event, or after it.

my $gone = qr/^gone (?:epoch )?3$/;

my $s = first('broken');
my $client = $redis->connect();

$redis->pause();
$client->send(qw(CLIENT KILL TYPE pubsub));
$client->send('FCALL', 'pimap_publish', 1, 'pimap:{broken}',
    $t->json({ event => 'MessageNew', uid => $_ })) for 1 .. 2;
$client->send('DEL', key('broken', 'log'));
$redis->resume();
$client->reply() for 1 .. 4;
$t->subscribed('broken');
post('broken', 3);
like(until_mail($s), $gone, 'a parked device that missed the first events');
ok($s->quiet(0.05), '    no more');

$s = first('anew');
$redis->pause();
$client->send(qw(CLIENT KILL TYPE pubsub));
$client->send('FCALL', 'pimap_publish', 1, 'pimap:{anew}',
    $t->json({ event => 'MessageNew', uid => $_ })) for 1 .. 2;
$client->send('DEL', key('anew', 'log'));
$client->send('SET', key('anew', 'epoch'), '1');
$redis->resume();
$client->reply() for 1 .. 5;
$t->subscribed('anew');
post('anew', 3);
like(until_mail($s), $gone, '    and whose log has begun again');
ok($s->quiet(0.05), '    no more');


sub key { "pimap:{$_[0]}" . ($_[1] eq 'log' ? '' : ":$_[1]") }


# A device that is there before the first event.

sub first {
    my ($account) = @_;

    my $s = $t->park($account);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    return $s;
}


sub post {
    my ($account, $uid) = @_;
    return $redis->log($account, { event => 'MessageNew', uid => $uid });
}


sub got {
    my ($s, $n) = @_;

    return join(' ', map { $_->{json}{uid} // $_->{json}{reason} // '?' }
        $s->events($n));
}


# The events of the device, until the mail with uid 3 has come: four at most.

sub until_mail {
    my ($s) = @_;

    my @got = got($s, 1);

    push(@got, got($s, 1)) while $got[-1] ne '3' && @got < 4;

    return "@got";
}


sub commands {
    my ($n) = $redis->command('INFO', 'stats')
        =~ /^total_commands_processed:(\d+)/m;

    return $n;
}
