#!/usr/bin/perl

# Each form of the address of Redis and of the login works.  A failed login is
# logged in one clear line, the password is in no log, and devices stay.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_drain 100ms;');
my $open = $t->redis(port => 1, options => ['bind 127.0.0.1 ::1']);
my $locked = Pimap::Redis->new(t => $t, name => 'locked', port => 1,
    password => 's3cret-of-all',
    users => ['carol on >s3cret+of@carol ~* &* +@all']);

my $old = Pimap::Redis->new(t => $t, name => 'old', port => 1,
    options => ['rename-command AUTH ""']);

my $file = $t->write_file($t->dir() . '/password', "s3cret-of-all\n");
my ($port, $locked_port, $old_port) =
    map { $t->port($_) } qw(redis locked old);

my @ways = (
    ['TCP', $open, "redis://127.0.0.1:$port"],
    ['a name at start', $open, "redis://localhost:$port"],
    ['IPv6', $open, "redis://[::1]:$port"],
    ['a unix socket', $open, 'unix:' . $open->socket()],
    ['a database', $open, "redis://127.0.0.1:$port/3", qr/ db=3 /],
    ['db=', $open, 'unix:' . $open->socket() . ' db=5', qr/ db=5 /],
    ['prefix=', $open, "redis://127.0.0.1:$port prefix=mail.two"],
    ['password=', $locked, "redis://127.0.0.1:$locked_port "
        . 'password=s3cret-of-all', qr/ user=default /],
    ['a password in the URL', $locked,
        "redis://:s3cret-of-all\@127.0.0.1:$locked_port"],
    ['password_file=', $locked, "redis://127.0.0.1:$locked_port "
        . "password_file=$file", qr/ user=default /],
    ['user=', $locked, "redis://127.0.0.1:$locked_port user=carol "
        . 'password=s3cret+of@carol', qr/ user=carol /],
    ['a login in the URL', $locked,
        "redis://carol:s3cret%2Bof%40carol\@127.0.0.1:$locked_port",
        qr/ user=carol /],
);

my $lost = qr/\[error\].* pimap (?:lost|cannot connect to) redis: /;

my @failures = (
    ['no AUTH in Redis', 'password=wr0ng-s3cret',
        qr/ERR AUTH is refused, check/, $old_port],
    ['a wrong password', 'password=wr0ng-s3cret', qr/WRONGPASS/],
    ['a wrong user', 'user=dave password=wr0ng-s3cret', qr/WRONGPASS/],
    ['no password', '', qr/NOAUTH/],
    ['an invalid database', 'password=s3cret-of-all db=9999', qr/ERR/],
);

$t->plan(4 * @ways + 5 * @failures + 1);

$_->start() for $locked, $old;

sub use_redis {
    my ($redis, $url, $parameters) = @_;

    $t->nginx()->{http} = "pimap_redis $url $parameters "
        . "connect_timeout=1s timeout=1s probe=1s;\npimap_drain 100ms;";

    my $running = $t->nginx()->{process};

    return $running ? $t->reload() : $t->run();
}

# Each worker has two connections; those of an old worker may still be open.

sub logged_in {
    my ($redis, $re) = @_;

    return 2 == grep { / cmd=(?:publish|subscribe|fcall\S*) / && $_ =~ $re }
        split(/\n/, $redis->command('CLIENT', 'LIST'));
}

my $n = 0;

for my $way (@ways) {
    my ($name, $redis, $url, $client) = @$way;
    my $account = 'alice' . ++$n;

    $redis->{prefix} = $url =~ /prefix=(\S+)/ ? $1 : 'pimap';
    use_redis($redis, $url, '');

    my $s = $t->park($account);

    $s->read_until(qr/: parked\n.*\n\n/);

    ok($t->wait_ready(), "$name: ready");

    # The device may have parked in the worker that leaves: then the new
    # worker subscribes when the device is handed over.

    $t->wait_for(sub { $redis->numsub($account) >= 1 }, 'a subscription');
    is($t->publish($account, { event => 'One' })->{json}{receivers}, 1,
        "$name: published");
    is(($s->event() // {})->{event}, 'One', "$name: delivered");

    ok($t->wait_for(sub { logged_in($redis, $client // qr/ user=default /) },
        'two connections'), "$name: two connections as configured");

    $s->close();
}

for my $failure (@failures) {
    my ($name, $parameters, $re, $at) = @$failure;

    my $seen = () = $t->log_lines($lost);

    use_redis($locked, 'redis://127.0.0.1:' . ($at // $locked_port),
        $parameters);

    my $s = $t->park('alice');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$name: parked nevertheless");
    ok($t->wait_for(sub { (($t->log_lines($lost))[$seen] // '') =~ /$re/ },
        'a line'), "$name: said");

    ok($t->wait_for(sub { ($t->worker_status()->{redis}{failures} // 0) > 5 },
        'attempts'), "$name: tried again");
    is($seen + 1, scalar($t->log_lines($lost)), "$name: one log line");
    is($t->publish('alice', { event => 'One' })->{status}, 503,
        "$name: not published");

    $s->close();
}

unlike(join('', $t->log(), map({ $t->get($_)->{body} }
    '/status', '/status?format=prometheus', '/status?ready')), qr/s3cret/,
    'no password in the logs and the status');
