import java.sql.*; import java.util.*;
// What pgjdbc asks a server: every call of DatabaseMetaData, and prepared, batched, fetched and updatable statements.
// The tables are those of sql/pgcatalog/testdata/psql/sample.sql. A line with FAILED is a call that the server refused;
// the same run against PostgreSQL 15 shows what the others should say.
//
//   javac -cp postgresql.jar CheckPgjdbc.java && java -cp postgresql.jar:. CheckPgjdbc jdbc:postgresql://127.0.0.1:7432/streamdb
public class CheckPgjdbc {
  static void dump(String what, ResultSet r) throws SQLException {
    ResultSetMetaData m=r.getMetaData(); List<String> rows=new ArrayList<>();
    while(r.next()){StringBuilder b=new StringBuilder();for(int i=1;i<=m.getColumnCount();i++){if(i>1)b.append('|');b.append(r.getString(i));}rows.add(b.toString());}
    for(String s:rows) System.out.println(what+" "+s);
    if(rows.isEmpty()) System.out.println(what+" (none)");
  }
  interface C{ResultSet get() throws SQLException;}
  static void call(String n,C c){try{dump(n,c.get());}catch(Exception e){System.out.println(n+" FAILED "+e.getMessage().split("\n")[0]);}}
  public static void main(String[] a) throws Exception{
    Connection c=DriverManager.getConnection(a[0],a.length>1?a[1]:"streamdb",""); DatabaseMetaData d=c.getMetaData();
    call("getTables",()->d.getTables(null,"public","%",null));
    call("getColumns",()->d.getColumns(null,"public","%","%"));
    call("getPrimaryKeys",()->d.getPrimaryKeys(null,"public","t"));
    call("getIndexInfo",()->d.getIndexInfo(null,"public","t",false,false));
    call("getIndexInfoU",()->d.getIndexInfo(null,"public","t",true,false));
    call("getImportedKeys",()->d.getImportedKeys(null,"public","t"));
    call("getExportedKeys",()->d.getExportedKeys(null,"public","t"));
    call("getCrossReference",()->d.getCrossReference(null,"public","t",null,"public","u"));
    call("getBestRowIdentifier",()->d.getBestRowIdentifier(null,"public","t",2,true));
    call("getVersionColumns",()->d.getVersionColumns(null,"public","t"));
    call("getSchemas",()->d.getSchemas());
    call("getCatalogs",()->d.getCatalogs());
    call("getTableTypes",()->d.getTableTypes());
    call("getTypeInfo",()->d.getTypeInfo());
    call("getProcedures",()->d.getProcedures(null,"pg_catalog","up%"));
    call("getFunctions",()->d.getFunctions(null,"pg_catalog","upper"));
    call("getFunctionColumns",()->d.getFunctionColumns(null,"pg_catalog","upper","%"));
    call("getProcedureColumns",()->d.getProcedureColumns(null,"pg_catalog","upper","%"));
    call("getTablePrivileges",()->d.getTablePrivileges(null,"public","t"));
    call("getColumnPrivileges",()->d.getColumnPrivileges(null,"public","t","a"));
    call("getUDTs",()->d.getUDTs(null,null,"%",null));
    call("getClientInfoProperties",()->d.getClientInfoProperties());
    System.out.println(d.getDatabaseProductVersion()+" "+d.getSQLKeywords().length());
    try(PreparedStatement p=c.prepareStatement("insert into t(a,b,c,e) values (?,?,?,?) returning id",Statement.RETURN_GENERATED_KEYS)){
      p.setString(1,"j");p.setBigDecimal(2,new java.math.BigDecimal("1.5"));p.setTimestamp(3,new Timestamp(0));p.setArray(4,c.createArrayOf("int4",new Integer[]{1,2}));
      System.out.println("exec "+p.execute()); }
    catch(Exception e){System.out.println("insert FAILED "+e.getMessage());}
    try(PreparedStatement p=c.prepareStatement("select * from t where id > ?")){ p.setInt(1,0); for(int i=0;i<7;i++){ResultSet r=p.executeQuery(); ResultSetMetaData m=r.getMetaData(); while(r.next()&&i==6){ System.out.println(r.getObject(2)+" "+r.getObject(3)+" "+r.getObject(6)+" "+m.isAutoIncrement(1)+m.isNullable(1)+m.getTableName(1)+m.getColumnTypeName(6));}}
    } catch(Exception e){System.out.println("select FAILED "+e.getMessage());}
    c.setAutoCommit(false);
    try(Statement s=c.createStatement()){ s.setFetchSize(10); ResultSet r=s.executeQuery("select * from generate_series(1,35)"); int n=0; while(r.next())n++; System.out.println("fetched "+n);} catch(Exception e){System.out.println("fetch FAILED "+e.getMessage());}
    c.commit(); c.setAutoCommit(true);
    try(Statement s=c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE,ResultSet.CONCUR_UPDATABLE)){ ResultSet r=s.executeQuery("select id,a from t where a='j'"); r.next(); r.updateString(2,"jj"); r.updateRow(); System.out.println("updatable ok");} catch(Exception e){System.out.println("updatable FAILED "+e.getMessage());}
    try(PreparedStatement p=c.prepareStatement("insert into t(a) values (?)")){ for(int i=0;i<20;i++){p.setString(1,"b"+i);p.addBatch();} System.out.println("batch "+p.executeBatch().length);} catch(Exception e){System.out.println("batch FAILED "+e.getMessage());}
    try(Statement s=c.createStatement()){ s.executeUpdate("delete from t where a like 'b%' or a like 'j%'"); }
    System.out.println("ro "+c.isReadOnly()+" iso "+c.getTransactionIsolation()+" schema "+c.getSchema()+" valid "+c.isValid(2));
    c.setReadOnly(true);c.setReadOnly(false);c.setTransactionIsolation(8);
    Savepoint(c);
  }
  static void Savepoint(Connection c) throws Exception{ c.setAutoCommit(false); java.sql.Savepoint s=c.setSavepoint("x"); try(Statement st=c.createStatement()){st.execute("select 1/0");}catch(SQLException e){System.out.println(e.getSQLState());} c.rollback(s); c.commit(); System.out.println("savepoint ok"); }
}
