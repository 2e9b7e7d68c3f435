#!/usr/bin/perl

# The commands in the documents print the output shown there.  They run with
# integrations/nginx/pimap.conf and a Redis with the users of docs/install.md.
# A file of passwords stands for the bridge.  An ellipsis in the output matches
# any text.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my @pages = Pimap::Page->all(Pimap->root());
my %page = map { $_->name() => $_ } @pages;

# "device": it runs until its output is complete, which other commands cause.
my @commands = map { my $page = $_;
    map { { %$_, page => $page->name(),
        device => scalar($_->{command} =~ /curl -\w*N\b|^wscat/) } }
    map { Pimap::Page::commands($_) } $page->blocks('console') } @pages;

# The Redis users of the module and of a publisher.
my @users = map { $_->{text} =~ /^user (.*)/ }
    $page{'docs/install.md'}->blocks('redis', 'A user of its own');

my $t = Pimap->new();
my (@waiting, $place);

$t->plan(@commands + 3);

$t->redis(users => \@users);
configure();
tools();
$t->redis()->start()->load();
$t->run();

ok($t->wait_for(sub { ready() }, 'readiness'),
    'nginx is ready with such a user');
publisher();

for my $command (@commands) {
    my $here = "$command->{page} $command->{section}";

    settle() if defined $place && $place ne $here;
    $place = $here;

    run($command);
}

settle();
unlike($t->log(), qr/lost redis/, 'Redis refused nothing');


sub ready { $t->get('/pimap/status?ready', transport => 'plain')->{status}
    == 200 }


# The configuration of docs/setup.md, with other ports and files.

sub configure {
    my ($cert, $key) = $t->certificate();
    my ($user, $password) = $users[0] =~ /^(\w+) on >(\S+)/;
    my ($tls, $plain) = map { $t->port($_) } qw(tls plain);
    my $dir = $t->dir();

    local $_ = $t->read_file($t->root() . '/integrations/nginx/pimap.conf');

    $t->write_file("$dir/redis.password", "$password\n");
    $t->write_file("$dir/htpasswd",
        join('', map { "$_:{PLAIN}secret\n" } qw(alice carol)));

    s{/etc/\S*key\.pem}{$key};
    s{/etc/\S*\.pem}{$cert};
    s{listen +443 }{listen 127.0.0.1:$tls };
    s{listen 127\.0\.0\.1:8026;}{listen 127.0.0.1:$plain;};
    s{http://127\.0\.0\.1:8025/}{http://unix:$dir/auth:/};
    s{pimap_redis [^;]+}{'pimap_redis unix:' . $t->redis()->socket()
        . " user=$user password_file=$dir/redis.password"}e;

    $t->nginx()->{mode} = '';
    $t->nginx()->{http} = "$_
        server {
            listen unix:$dir/auth;

            location = /auth {
                auth_basic mail;
                auth_basic_user_file $dir/htpasswd;
                add_header X-Pimap-Account \$remote_user;
                empty_gif;
            }
        }";
}


# The commands of the documents, with our ports and sockets.

sub tools {
    my $bin = $t->dir() . '/bin';
    my ($tls, $plain) = map { $t->port($_) } qw(tls plain);
    my $socket = $t->redis()->socket();

    mkdir($bin) or die "$bin: $!\n";

    $t->write_file("$bin/curl", <<"END");
#!/bin/sh
PATH=$ENV{PATH}
exec curl -sk --connect-to mail.example.com:443:127.0.0.1:$tls \\
    --connect-to 127.0.0.1:8026:127.0.0.1:$plain "\$@"
END

    $t->write_file("$bin/redis-cli", <<"END");
#!/bin/sh
PATH=$ENV{PATH}
exec redis-cli --no-raw -s $socket "\$@"
END

    # the program ends with its input, which nothing writes

    system('mkfifo', "$bin/idle") == 0 or die "mkfifo\n";

    $t->write_file("$bin/wscat", <<"END");
#!/bin/sh
PATH=$ENV{PATH}
url=\$(echo "\$2" | sed 's/\@mail.example.com/\@127.0.0.1:$tls/')
export NODE_PATH=/usr/share/nodejs    # Debian's modules
exec wscat --no-check -c "\$url" <>$bin/idle
END

    chmod(0755, map { "$bin/$_" } qw(curl redis-cli wscat));
    $ENV{PATH} = "$bin:$ENV{PATH}";
}


sub publisher {
    my ($name, $password) = $users[1] =~ /^(\w+) on >(\S+)/;
    my $redis = $t->redis()->connect();

    $redis->command('AUTH', $name, $password);

    is($redis->command('PUBLISH', 'pimap:{bob}', '{"event":"X"}'), 0,
        'the other user publishes');
}


sub run {
    my ($command) = @_;

    # a device is the process itself, so that it can be stopped
    $command->{process} = $t->start(pipe => 1, command => ['sh', '-c',
        ($command->{device} ? 'exec ' : '') . $command->{command}]);
    $command->{process}->fh()->blocking(0);
    $command->{got} = '';

    return check($command) if !$command->{device};

    push(@waiting, $command);

    # a request that waits for a result has its account subscribed, too
    $t->wait_for(sub { !output($command)
            || $command->{got} =~ /: parked\n|"parked"/
            || $command->{command} =~ /Prefer: wait/ && accounts() },
        "$command->{page}:$command->{line}");
    $t->wait_for(sub { subscribed() }, 'a subscription');
}


# Reads the available output; returns false at the end.

sub output {
    my ($command) = @_;

    my $n = $command->{process}->fh()->sysread(my $bytes, 65536);

    if ($n) {
        $bytes =~ s/\r//g;
        utf8::decode($bytes);
        $command->{got} .= $bytes;
    }

    return !(defined $n && $n == 0);
}


sub check {
    my ($command) = @_;

    my $open = 1;
    my $name = "$command->{page}:$command->{line} prints the output shown";

    $t->wait_for(sub {
        $open = output($command) if $open;
        $command->{got} =~ $command->{output}
            && ($command->{device} || !$open) || !$open;
    }, $name);

    my $re = $open ? $command->{output} : qr/$command->{output}\s*\z/;

    like($command->{got}, $re, $name);
    $t->stop($command->{process});
}


# The end of a section: its devices have got all events, and end.

sub settle {
    check($_) for splice(@waiting);

    $t->wait_for(sub { !$t->redis()->numsub('{alice}') }, 'all ends');
}


sub status { $t->get('/pimap/status', transport => 'plain')->{json} }
sub accounts { status()->{accounts} }


sub subscribed {
    my $status = status();

    return $status->{accounts} == $status->{workers}[0]{redis}{subscribed};
}
