#!/usr/bin/perl

# An outage of Redis is one line in the error log, for all workers and both
# connections of each.  The line has the reason, and what to do.  "?ready" and
# the status have the last reason.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
my $locked = Pimap::Redis->new(t => $t, name => 'locked', port => 1,
    password => 'geheim', users => [
        'deaf on >geheim ~* +@all &*  -subscribe',
        'mute on >geheim ~* +@all &* -publish',
        'partly on >geheim ~* +@all resetchannels &pimap:probe:*',
    ]);
my $tls = $t->redis(port => 1, tls => 1);
my $at = 'redis://127.0.0.1:';
my ($there, $plain, $secret, $none) = map { $t->port($_) }
    qw(locked redis redis-tls none);
my $rights = qr/NOPERM .*, give the user the rights that docs/;

# name, pimap_redis, the line: what failed, why, what to do; a part that the
# status has, too

my @cases = (
    ['nobody listens', "$at$none",
        qr/cannot connect to redis: connect failed, .*\(111: Connection ref/,
        '(111: Connection refused)'],
    ['no such socket', 'unix:' . $t->dir() . '/none',
        qr/cannot connect to redis: connect failed, .*\(2: No such file or/,
        '(2: No such file or directory)'],
    ['no sentinel', "sentinel://127.0.0.1:$none,127.0.0.1:$none/mymaster",
        qr/connect failed, \w+ of sentinel:.*\(111: Connection refused\)/,
        'connect failed (111'],
    ['a wrong password', "$at$there password=wrong",
        qr/cannot connect to redis: WRONGPASS, check "user=" and "password="/,
        'WRONGPASS, check "user="'],
    ['no password', "$at$there", qr/redis: NOAUTH .*it wants a login, set/,
        'NOAUTH Auth'],
    ['a password too much', "$at$plain password=wrong",
        qr/redis: (?:ERR AUTH is refused|WRONGPASS), check "user="/,
        'check "user="'],
    ['no such database', "$at$plain db=9999", qr/ERR .*DB.*, check "db="/,
        'check "db="'],
    ['no right to subscribe', "$at$there user=deaf password=geheim",
        qr/is refused by redis: $rights/, 'NOPERM '],
    ['no right to publish', "$at$there user=mute password=geheim",
        qr/is refused by redis: $rights/, 'NOPERM '],
    ['a right for the probe only', "$at$there user=partly password=geheim",
        qr/is refused by redis: $rights/, 'NOPERM '],
    ['TLS to a plain port', "rediss://127.0.0.1:$plain connect_timeout=500ms",
        qr/redis: connect timed out, does that port speak TLS\?/,
        'connect timed out'],
    ['plain to a TLS port', "$at$secret",
        qr/redis: connection closed, does that port want TLS/,
        'connection closed'],
);

$t->plan(6 * @cases + 7);
$_->start() for $locked, $tls;

# Meanwhile a device is there, whose account is to be subscribed.

for (@cases) {
    my ($name, $url, $re, $part) = @$_;
    my @before = $t->log_lines(outage());

    use_redis($url);

    my $s = $t->park('alice');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$name: a device parks");

    # Each of them tries again.  With some rights not all of them do.

    my $n = $name =~ /^(?:no right|a right)/ ? 1 : 2;

    ok($t->wait_for(sub { $n <= grep { tried($_) } workers() }, 'attempts'),
        '    workers try again');

    my @lines = $t->log_lines(outage());

    @lines = @lines[scalar(@before) .. $#lines];
    is(scalar(@lines), 1, '    one line for all') or diag(join("\n", @lines));
    like($lines[0] // '', $re, '    it says why, and what to do');

    ok($t->wait_for(sub {
        ($t->get('/status?ready')->{json}{detail} // '')
            =~ /can't deliver.*: Redis is away: .*\Q$part\E/ }, $part),
        '    so does ?ready');
    cmp_ok(scalar(grep { $_->{reason} } workers()), '>=', $n,
        '    and the status, of each worker');
    $s->close();
}

# It is over when probes come back; the next outage is a line again.

use_redis("$at$plain");
ok($t->wait_ready(), 'another configuration: ready');
ok($t->wait_for(sub { !grep { $_->{reason} } workers() }, 'no reason'),
    '    there is no reason any more');

my $before = $t->log_lines(outage());

$tls->stop();
ok($t->wait_for(sub { !grep { !$_->{reason} } workers() }, 'a reason'),
    'away');
is($t->log_lines(outage()), $before + 1, '    one line');
$tls->start();
ok($t->wait_for(sub { !grep { $_->{reason} } workers() }, 'no reason'),
    'back');
$tls->kill();
ok($t->wait_for(sub { $t->log_lines(outage()) > $before + 1 }, 'a line'),
    'away again: a line again');
is(scalar(grep { /geheim|wrong/ } split(/\n/, $t->log())), 0,
    'no password is in the log');


sub outage { return qr/\[error\].* pimap (?:cannot|lost|is refused)/ }

# Without the right to publish the connections stay, and no probe is sent.

sub tried {
    my ($worker) = @_;

    return $worker->{redis}{failures} > 3
        || $worker->{redis}{probes} > 3 && $worker->{redis}{subscribed};
}

sub workers { return @{ $t->status()->{workers} } }

sub use_redis {
    my ($url) = @_;

    my %old = map { $_ => 1 } $t->nginx()->{process} ? $t->workers() : ();

    $t->nginx()->{http} = "pimap_redis $url timeout=500ms probe=200ms;"
        . ' pimap_drain 100ms;';
    %old ? $t->reload() : $t->nginx()->start();
    $t->wait_for(sub { 2 == grep { !$old{ $_->{pid} } } workers() },
        'the new workers');
    $t->wait_for(sub { !grep { $old{ $_->{pid} } } workers() },
        'the end of the old ones');
}
