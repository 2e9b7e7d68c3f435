#!/usr/bin/perl

# An operator's question while something is missing. A worker that has lost its
# subscription is not asked, but its devices are counted. Without memory the
# answer is 500, or lacks a worker and says so. Without Redis it is 503.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Accounts;
use Pimap::Oom;
use Pimap::Process qw(patience);

my $t = Pimap->new(mode => '',
    allow => qr/connect\(\) to unix:\S+ failed/);
my $redis = $t->redis();
my $oom = Pimap::Oom->possible() ? Pimap::Oom->new($t) : undef;

$t->nginx()->{env} = { $oom->env() } if $oom;
my $accounts = Pimap::Accounts->new(t => $t);

$t->plan(12);
$t->run();
$t->wait_ready();


# A worker that Redis can't ask

my $lost = $t->park('alice', query => 'device=a');

$lost->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

$redis->command(qw(ACL SETUSER admin on >secret ~* &* +@all));
$redis->{client}->command(qw(AUTH admin secret));
$redis->command(qw(ACL SETUSER default -subscribe));
$redis->command(qw(CLIENT KILL TYPE pubsub));
$t->wait_for(sub { $accounts->get()->{json}{workers}{asked} == 0 },
    'the loss');
is_deeply($accounts->get()->{json}{devices}, { count => 0, here => 1,
    moving => 0,
    list => [] }, 'the subscription is lost: the zone counts the device');
$redis->command(qw(ACL SETUSER default +subscribe));
is($accounts->devices(), 'a', '    and it is listed when Redis is back');
$lost->close();
$t->wait_for(sub { $accounts->devices() eq '' }, 'the end');


# Without memory

SKIP: {
    skip('a checker has an allocator of its own', 4) if !$oom;

    my $phone = $t->park('alice', query => 'device=a');

    $phone->read_until(qr/: parked\n.*\n\n/);
    $redis->log('alice', { event => 'X' });
    $t->subscribed('alice');

    # (a worker that does not answer takes a second each time)
    for (['libjansson', 13], ['libhiredis', 1]) {
        my ($library, $step) = @$_;
        my ($n, %seen) = (0);

        for ( ; $n < 1000; $n += $step) {
            $oom->fail(by => $library, skip => $n);
            my $one = $accounts->get();
            my $failed = $oom->failed();

            $oom->stop();
            last if !$failed;

            my $json = $one->{json} // {};
            my $partial = $one->{status} == 200
                && ($json->{workers}{answered} < $json->{workers}{asked}
                    || $json->{devices}{count} < $json->{devices}{here}
                    || $json->{log}{error} || $accounts->names($one) eq 'a');

            $seen{$partial ? 'named' : $one->{status}}++;
        }

        delete @seen{qw(500 503 named)};
        is(join(' ', keys(%seen)), '', "$library, $n allocations: an error");
        is($accounts->devices(), 'a', '    with memory: all is there');
    }
}


# Without Redis

$redis->pause();
my $began = time();
my $got = $accounts->get();
is($got->{status}, 503, 'Redis is silent: 503');
cmp_ok(time() - $began, '<', patience(2), '    after a second');
like($got->{json}{detail}, qr/has not answered in time/,
    '    with the reason');
$redis->resume();
$redis->stop();
$t->wait_away();
$got = $accounts->get();
is($got->{status}, 503, 'no Redis: 503');
like($got->{json}{detail}, qr/Redis is away/, '    with the reason');
$redis->start();
$t->wait_ready();
ok($t->wait_for(sub { $accounts->get()->{status} == 200 }, '200'),
    'Redis is back: 200');
