#!/usr/bin/perl

# What pimap-check could not look at is neither a success nor a failure: it is
# named, says what to do, and has a status of its own.

use strict;
use warnings;

use POSIX ();
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '');
my $dir = $t->dir();

$t->plan(24);
Pimap::Check->set_up($t);
$t->redis(options => ['appendonly yes'])->start();
$t->run();
Pimap::Check->ready($t);
$t->post('/pimap/publish?account=alice', '{"event":"MessageNew"}');

my $good = $t->nginx()->conf();
my $check = Pimap::Check->new(t => $t);

$ENV{PATH} = '/nowhere';                # so there is no Dovecot

$check->run();
$check->only('', 'all is well');
is($check->{status}, 0, '    with status 0');
$check->is('dovecot.plugin', 'skip', qr/no Dovecot/, qr/^$/,
    '    what is not there is left out');

# Silence is no success: the standard input is no terminal.

$check->{without} = qr/password-file/;
$check->run();
$check->only('delivery.park:no-password', 'no password: nothing is parked');
$check->is('delivery.park:no-password', 'unknown', qr/password of "alice"/,
    qr/--password-file/, '    with what to do');
is($check->{status}, 3, '    the status of the program is 3');
is(join(' ', @{ $check->{found} }{qw(result failed unknown)}), 'unknown 0 1',
    '    JSON has the result, and the number');

my $text = $check->text();

like($text, qr/\n  UNKNOWN  delivery\.park +.*\n +do: name a file /,
    '    and so has the text');
like($text, qr/ 0 failed, 0 warnings, 1 unknown, \d+ skipped\n\z/,
    '    with the number');
is($check->{status}, 3, '    and the status');

$check->{without} = qr/password-file|account/;
$check->run();
$check->only('delivery.park:no-account login.wrong:no-account',
    'no account');
$check->is('delivery.park:no-account', 'unknown', qr/name of a user/,
    qr/--account/, '    nothing is parked');
$check->is('login.wrong:no-account', 'unknown', qr/name of a user/,
    qr/--account/, '    and no wrong password is tried');
is($check->{status}, 3, '    status 3');

# A failure is more than something unknown.

$t->redis()->command('CONFIG', 'SET', 'timeout', 3);
$check->run();
is("$check->{status} $check->{found}{result}", '1 fail',
    'a failure, too: status 1');
delete($t->redis()->{client});      # it may be closed, too
$t->redis()->command('CONFIG', 'SET', 'timeout', 0);
delete($check->{without});

# What only root, or another configuration, shows

conf($good =~ s/(location =) (\/pimap\/events)/location ~ ^$2\$/r);
$check->{without} = qr/url/;
$check->run();
$check->is('delivery.connect:no-url', 'unknown', qr/address of devices/,
    qr/--url/, 'a location by a regular expression');
delete($check->{without});

conf($good =~ s/location = \/pimap\/status .*//r);
$check->run();
$check->is('status.ready:none', 'unknown', qr/pimap_status/, qr/setup\.md/,
    'no location has the status');

conf("pid $dir/nginx.pid;\nerror_log $dir/error.log;\nevents {}\n"
    . "http { access_log off; }\n");
$check->run();
$check->is('redis.connect:none', 'unknown', qr/no pimap_redis/, qr/--redis/,
    'no Redis is named');
is($check->{status}, 1, '    which is a failure of nginx');

# A process that has ended tells nothing of its files.

my $child = fork() // die "fork: $!\n";

POSIX::_exit(0) if !$child;
$t->write_file("$dir/other.pid", "$child\n");
$t->wait_for(sub { $t->read_file("/proc/$child/stat") =~ /\) Z / }, 'the end');
conf($good =~ s/^pid .*/pid $dir\/other.pid;/mr);
$check->run();
$check->is('nginx.running:not-root', 'unknown', qr/only root/, qr/as root/,
    'a process whose files are not seen');
$check->is('limits.files:no-worker', 'unknown', qr/no worker/, qr/start/,
    '    without a worker');
waitpid($child, 0);

# A program that is no nginx

my $nginx = "$dir/odd-nginx";

$t->write_file($nginx, "#!/bin/sh\nprintf '# configuration file /x:\\n\"a'\n");
chmod(0755, $nginx);
$check->run('--nginx', $nginx);
$check->is('nginx.configuration:odd', 'fail', qr/not understood/, qr/authors/,
    'a configuration that is not understood');

# A file that the user may not read

$t->write_file("$dir/redis.password", "secret\n");
chmod(0, "$dir/redis.password");
conf($good =~ s{(pimap_redis \S+)}{$1 password_file=redis.password}r);
$check->{as} = ['/usr/bin/setpriv', '--bounding-set',
    '-dac_override,-dac_read_search'] if $> == 0;
$t->write_file($nginx, "#!/bin/sh\necho '# configuration file "
    . "$dir/nginx.conf:'\n/bin/cat $dir/nginx.conf\n");
$check->run('--nginx', $nginx);
$check->is('redis.connect:forbidden', 'fail', qr/denied/, qr/as root/,
    'a password that only root may read');
is($check->{by}{'redis.connect'}{text} =~ /secret/, '',
    '    and its text has no password');


sub conf { $t->write_file("$dir/nginx.conf", $_[0]) }
