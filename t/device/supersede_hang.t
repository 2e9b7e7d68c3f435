#!/usr/bin/perl

# Of two requests of a device the one that came later stays, in whatever order
# Redis reads what the workers say about them.  So a Redis that stands still
# for less than its time-out makes no difference.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
my $other = Pimap->new(redis => $t->redis());
my $redis = $t->redis();

# The commands of a stop are sent in one turn each, however long it lasts.

$_->nginx()->{http} = 'pimap_redis unix:' . $redis->socket()
    . ' timeout=30s probe=60s;' for $t, $other;

$t->plan(29);
$t->run();
$other->run();

my ($first, $second) = $t->workers();

$_->wait_ready() for $t, $other;


# [older, newer, and the worker whose bytes Redis reads first]

my %of = (first => [$t, $first], second => [$t, $second], other => [$other]);
my @cases = (
    [qw(first second second)], [qw(first second first)],
    [qw(second first first)], [qw(second first second)],
    [qw(first other other)], [qw(other second second)],
);

for my $case (@cases) {
    my ($old, $new, $read) = @$case;
    my $account = join('-', @$case);

    # The account is subscribed everywhere.

    my @base = map { park($account, $of{$_}, '') } keys(%of);
    $t->wait_for(sub { $redis->numsub($account) == 3 }, 'subscriptions');

    $redis->pause();

    my @asks = park($account, $of{$read}, '');      # a command
    my $older = park($account, $of{$old});
    my $newer = park($account, $of{$new});

    $redis->resume();

    is(($older->event() // {})->{event}, 'superseded',
        "$old, then $new, $read is read first: the older is superseded");
    ok($older->ended(), "$old, then $new: it ends");

    $redis->log($account, { event => 'MessageNew' });
    is(($newer->event() // {})->{event}, 'MessageNew',
        "$old, then $new: the newer gets events");
    ok($newer->quiet(0.1), "$old, then $new: and stays");

    $_->close() for @base, @asks, $newer;
}


# A request that waits for the end of the log is overtaken.

$redis->pause();

my ($slow, $fast, $parked) = @{ $t->nginx()->only($first, sub {
    my @both = map { $t->park('slow', query => 'device=phone', headers => $_) }
        {}, { 'Last-Event-ID' => '0' };

    return [@both, $both[1]->read_until(qr/: parked\n.*\n\n/)];
}) };

ok($parked, 'a request needs no answer of Redis');
is(($slow->event() // {})->{event}, 'superseded',
    'the one before it is parked later: it is superseded');
ok($slow->ended(), 'it ends');

$redis->resume();
$t->subscribed('slow');
$redis->log('slow', { event => 'MessageNew' });
is(($fast->event() // {})->{event}, 'MessageNew', 'the newer one gets events');

is($t->status()->{ends}{superseded} + $other->status()->{ends}{superseded},
    @cases + 1, 'no other device was superseded');


# With an id a device is parked without a question to Redis.

sub park {
    my ($account, $where, $query) = @_;

    my ($to, $pid) = @$where;

    my $park = sub {
        my $s = $to->park($account, query => $query // 'device=phone',
            headers => { 'Last-Event-ID' => '0' });

        $s->read_until(qr/: parked\n.*\n\n/);
        return $s;
    };

    return $pid ? $to->nginx()->only($pid, $park) : $park->();
}
