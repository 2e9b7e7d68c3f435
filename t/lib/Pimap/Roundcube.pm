package Pimap::Roundcube;

# A Roundcube of the test's own behind the test's nginx: PHP-FPM, SQLite, and
# the plugin, installed by the commands of its page.  Debian's package wants a
# database and a web server: misc/deps unpacks it into build/debian.
#
#     my $roundcube = Pimap::Roundcube->new(t => $t);
#     $t->nginx()->{locations} .= $roundcube->locations()
#         . $roundcube->events();
#     $t->run();
#     $roundcube->start();

use strict;
use warnings;
use utf8;

use File::Copy qw(copy);
use File::Path qw(make_path);

use Pimap::Page;
use Pimap::Process qw(wait_for);


# t => the test; name => if there are several; plugins => [...] beside its own;
# config => { ... }, further settings; bare => 1: without the plugin; imap =>
# the port's name; workers => of PHP.  With one worker alone requests of a page
# can't disturb each other, as they do elsewhere.

sub new {
    my ($class, %set) = @_;

    my $name = $set{name} // 'rc';
    my $dir = $set{t}->dir() . "/$name";
    my $self = bless({ plugins => [], config => {}, imap => 'imap',
        workers => 3, from => $set{t}->root() . '/build/debian', %set,
        dir => $dir, socket => "$dir.sock" }, $class);

    $self->_tree();
    $self->_config();
    $self->_install() if !$self->{bare};
    $self->_config(pimap_ticket_key => $self->key(), %{ $self->{config} });
    $self->_database();

    return $self;
}


sub key { "$_[0]{dir}/config/pimap.ticket" }


# The locations that it needs; its page is /.

sub locations {
    my ($self) = @_;

    return <<"END";
        root $self->{dir}/public_html;
        index index.php;
        include /etc/nginx/mime.types;

        location = /index.php {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root/index.php;
            fastcgi_pass unix:$self->{socket};
        }
END
}


# The location of events, as its page has it

sub events {
    my ($self) = @_;

    my ($block) = $self->_page()->blocks('nginx', 'Install');

    return $self->_moved($block->{text});
}


sub start {
    my ($self) = @_;

    my ($t, $dir) = @{$self}{qw(t dir)};
    my ($program) = glob('/usr/sbin/php-fpm[0-9]*')
        or die "no php-fpm: run misc/deps\n";

    $t->write_file("$dir/fpm.conf", $self->_fpm());

    $self->{process} = $t->start(output => "$dir.out", name => 'php-fpm',
        command => [$program, '-F', $> == 0 ? '-R' : (), '-y',
            "$dir/fpm.conf"]);

    wait_for(sub { -S $self->{socket} || !$self->{process}->running() })
        && $self->{process}->running()
        or die 'php-fpm does not start: ' . $t->read_file("$dir.out");

    return $self;
}


sub stop { $_[0]{t}->stop($_[0]{process}) }


# Its public_html/index.php finds the rest by its own real path: it is a copy.

sub _tree {
    my ($self) = @_;

    my ($dir, $from) = @{$self}{qw(dir from)};
    my $share = "$from/usr/share/roundcube";

    -d "$share/program" or die "no Roundcube in $from: run misc/deps\n";

    make_path(map { "$dir/$_" } qw(public_html/program config plugins temp
        logs));
    copy("$from/var/lib/roundcube/public_html/index.php",
        "$dir/public_html/index.php") or die "index.php: $!\n";
    copy("$from/etc/roundcube/$_", "$dir/config/$_") or die "$_: $!\n"
        for qw(defaults.inc.php mimetypes.php);

    symlink("$share/$_", "$dir/$_") for qw(SQL program skins index.php);
    symlink("$share/program/$_", "$dir/public_html/program/$_")
        for qw(js resources);
    symlink("../$_", "$dir/public_html/$_") for qw(plugins skins);
    symlink("$share/plugins/$_", "$dir/plugins/$_")
        for qw(filesystem_attachments jqueryui), @{ $self->{plugins} };
}


# The plugin's page; with the test's paths; its commands

sub _page {
    my ($self) = @_;

    my ($page) = grep { $_->name() eq 'integrations/roundcube/README.md' }
        Pimap::Page->all($self->{t}->root());

    return $page;
}


sub _moved {
    my ($self, $text) = @_;

    $text =~ s{/etc/roundcube}{$self->{dir}/config}g;
    $text =~ s{/var/lib/roundcube}{$self->{dir}}g;
    $text =~ s{ -o www-data}{}g;

    return $text;
}


sub _install {
    my ($self) = @_;

    my $text = $self->_page()->{section}{Install};
    my @commands = $text =~ /^    (\S.*)$/mg;
    my $root = $self->{t}->root();

    system('bash', '-ec', join("\n", "cd $root",
        map { $self->_moved($_) } @commands)) == 0
        or die "the plugin can't be installed\n";
}


# The settings of all; or these, behind what is there

sub _config {
    my ($self, %more) = @_;

    my ($t, $dir) = @{$self}{qw(t dir)};
    my $file = "$dir/config/config.inc.php";
    my $text = $t->read_file($file);

    my %config = $text ? %more : (
        db_dsnw => "sqlite:///$dir/db.sqlite?mode=0600",
        imap_host => '127.0.0.1:' . $t->port($self->{imap}),
        des_key => 'test-key-24-bytes-long!!',
        plugins => $self->{plugins},
        language => 'en_US', login_rate_limit => 0, enable_spellcheck => 0,
        log_dir => "$dir/logs/", temp_dir => "$dir/temp/", imap_debug => 1);

    $t->write_file($file, ($text || "<?php\n") . join('',
        map { "\$config['$_'] = " . _php($config{$_}) . ";\n" }
        sort keys(%config)));
}


sub _php {
    my ($value) = @_;

    return '[' . join(', ', map { _php($_) } @$value) . ']' if ref($value);
    return $value if $value =~ /^\d+$/;

    return "'" . ($value =~ s/([\\'])/\\$1/gr) . "'";
}


sub _database {
    my ($self) = @_;

    my $dir = $self->{dir};

    system('php', '-r', '$db = new PDO("sqlite:" . $argv[1]);'
        . '$db->exec(file_get_contents($argv[2]));', '--', "$dir/db.sqlite",
        "$dir/SQL/sqlite.initial.sql") == 0 or die "no database\n";
}


sub _fpm {
    my ($self) = @_;

    my ($dir, $user) = ($self->{dir}, scalar(getpwuid($>)));

    return <<"END";
[global]
error_log = $dir/fpm.log
[rc]
user = $user
listen = $self->{socket}
pm = static
pm.max_children = $self->{workers}
catch_workers_output = yes
php_admin_value[error_log] = $dir/php.log
END
}


# Logs a browser in, and waits for its page of mail.

sub login {
    my ($self, $browser, $user) = @_;

    $browser->open('http://127.0.0.1:' . $self->{t}->port('http') . '/');
    $browser->wait('document.querySelector("#rcmloginsubmit") !== null')
        or die "no page of login\n";
    $browser->eval("document.querySelector('#rcmloginuser').value = '$user',"
        . 'document.querySelector("#rcmloginpwd").value = "secret",'
        . 'document.querySelector("#rcmloginsubmit").click()');

    return $self->ready($browser);
}


sub ready {
    my ($self, $browser) = @_;

    return $browser->wait('window.rcmail?.task === "mail"'
        . ' && !!rcmail.message_list && !rcmail.busy');
}


# Dovecot's settings for a quota of 100 kB and a folder beside INBOX, as
# arguments of Pimap::Dovecot.

sub quota {
    my $plugins = 'notify push_notification mail_lua push_notification_lua '
        . 'charset_alias quota';
    my $folder = "namespace inbox {\n  mailbox Entwürfe {\n"
        . "    auto = subscribe\n  }\n}\n";

    utf8::encode($folder);

    return (main => {
        '2.3' => $folder . "mail_plugins = quota\nplugin {\n"
            . "  quota = count:User quota\n  quota_vsizes = yes\n"
            . "  quota_rule = *:storage=100K\n}",
        '2.4' => $folder . "mail_plugins {\n  quota = yes\n}\n"
            . "quota \"User quota\" {\n  driver = count\n"
            . "  storage_size = 100K\n}",
    }, imap => {
        '2.3' => "mail_plugins = $plugins imap_quota",
        '2.4' => "mail_plugins {\n    imap_quota = yes\n  }",
    });
}


# The subjects in the list, as an expression of JavaScript; the unread ones

sub subjects {
    my ($self, $which) = @_;

    return '[...document.querySelectorAll("#messagelist tbody tr'
        . ($which ? ".$which" : '') . ' .subject a")].map(a =>'
        . ' a.textContent.trim()).join()';
}


# Whether the page shows this list.

sub shows {
    my ($self, $browser, $subjects, $which) = @_;
    return $browser->wait($self->subjects($which) . " === '$subjects'");
}


# The number of requests that the access log has for an action

sub requests {
    my ($self, $action) = @_;

    my $dir = $self->{t}->dir();

    return scalar(() = $self->{t}->read_file("$dir/access.log")
        =~ /[?&]_action=\Q$action\E[& ]/g);
}


# The IMAP commands that PHP has sent, and its errors

sub commands { return $_[0]{t}->read_file("$_[0]{dir}/logs/imap.log") }
sub connections { return scalar(() = $_[0]->commands() =~ /S: \* OK /g) }

sub errors {
    my ($self) = @_;

    my $dir = $self->{dir};

    return join('', map { $self->{t}->read_file("$dir/$_") }
        qw(logs/errors.log php.log));
}


1;
