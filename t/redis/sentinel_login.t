#!/usr/bin/perl

# A sentinel has users of its own: nginx logs in there by "sentinel_user" and
# "sentinel_password", and by no other login.  No log has a password.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $redis = $t->redis(port => 1);
my $url = 'sentinel://127.0.0.1:' . $t->port('sentinel') . '/main';

$t->plan(8);
$redis->start();

my $file = $t->write_file($t->dir() . '/sentinel.conf', join("\n",
    'port ' . $t->port('sentinel'), 'dir ' . $t->dir(), 'bind 127.0.0.1',
    'sentinel monitor main 127.0.0.1 ' . $t->port('redis') . ' 1',
    'user default off', 'user nginx on >for-sentinels ~* &* +@all', ''));

$t->start(command => [Pimap::Redis->server(), $file, '--sentinel'],
    output => $t->dir() . '/sentinel.out');

sub login {
    my ($login) = @_;

    $t->nginx()->{http} = "pimap_redis $url timeout=1s $login;";
    return $t->nginx()->{started}++ ? $t->reload() : $t->run();
}

login('sentinel_user=nginx sentinel_password=for-sentinels');
ok($t->wait_ready(), 'the login of the sentinel: ready');

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), '    a device parks');
$t->subscribed('alice');
$redis->publish('alice', { event => 'QuotaExceed' });
is($s->event()->{event}, 'QuotaExceed', '    and gets its event');

login('sentinel_user=nginx sentinel_password=another-one');
ok($t->wait_for(sub { $t->log_lines(qr/WRONGPASS/) }, 'a line'),
    'another password: the log says so');
ok($t->wait_for(sub { !$t->ready() }, 'not ready'), '    not ready soon');

login('user=nginx password=for-sentinels');
ok($t->wait_for(sub { $t->log_lines(qr/NOAUTH/) }, 'a line'),
    'a login of Redis alone: the sentinel does not get it');

login('sentinel_user=nginx sentinel_password=for-sentinels');
ok($t->wait_ready(), 'the right one again: ready');
is(scalar(() = $t->log() =~ /for-sentinels|another-one/g), 0,
    'no log has a password');
